// Tests of Topology.

// Tests of Cluster.

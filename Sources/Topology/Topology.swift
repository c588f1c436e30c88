// Cluster and expert graph as values.

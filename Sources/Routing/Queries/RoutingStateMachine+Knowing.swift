extension RoutingStateMachine {
    /// Whether this query runs, or has ended and can be replayed.
    package func knows(_ key: QueryKey) -> Bool { queries[key] != nil || retention[key] != nil }
}

/// Workers with the trunk of a routed model hear who holds which experts.
extension RoutingStateMachine {
    /// After workers came, went or changed: tells every trunk, where something is different from what it knows.
    mutating func tellMembership() {
        guard membershipIsStale else { return }
        membershipIsStale = false
        let holders = workers.records.compactMap(\.expertHolder)
        guard holders != membership.holders else { return }
        membership = Membership(version: membership.version + 1, holders: holders)
        for record in workers.records where record.isTrunk && !record.isLost {
            record.connection.map { directives.append(.tellMembership($0, membership)) }
        }
    }

    /// A trunk that registers knows nothing yet.
    mutating func tellMembership(to index: Int) {
        guard workers[index].isTrunk, let connection = workers[index].connection else { return }
        directives.append(.tellMembership(connection, membership))
    }
}

extension WorkerRecord {
    var isTrunk: Bool { hello.models.contains { $0.routed } }

    /// Suspects are holders still: a dispatch that they do not answer goes to another in time.
    fileprivate var expertHolder: ExpertHolder? {
        guard condition == .ready, connection != nil, let data = hello.data, !hello.experts.isEmpty else { return nil }
        return ExpertHolder(worker: name, incarnation: hello.incarnation, data: data, experts: hello.experts)
    }
}

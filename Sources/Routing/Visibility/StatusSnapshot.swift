extension RoutingStateMachine {
    package func status(at moment: Instant) -> RoutingStatus {
        let known = workers.records.map { describe($0, at: max(now, moment)) }
        let absent = Set(configuration.expectedWorkers).subtracting(known.map(\.name)).map(Self.absent)
        let all = (known + absent).sorted { $0.name < $1.name }
        let expected = Set(configuration.expectedWorkers)
        let allReady = all.allSatisfy { !expected.contains($0.name) || $0.state == .ready }
        return RoutingStatus(
            state: isDraining ? .draining : allReady ? .ready : .degraded,
            queued: queries.unordered.count { !$0.isRunning && $0.phase != .fanned },
            inFlight: queries.shares.total.running,
            retained: retention.count, workers: all,
            nodes: configuration.nodes.map { node in
                RoutingStatus.Node(
                    name: node.name, model: node.model,
                    readyWorkers: workers.records.count { $0.condition == .ready && $0.holding(node.model) != nil })
            })
    }

    private func describe(_ worker: WorkerRecord, at moment: Instant) -> RoutingStatus.Worker {
        RoutingStatus.Worker(
            name: worker.name, state: worker.state(configuration, at: moment), models: worker.hello.models.map(\.model),
            inFlight: worker.assignments.count, capacity: worker.capacity, residentBytes: worker.residentBytes,
            progress: worker.progress, numerics: worker.hello.numerics, experts: worker.hello.experts.map(\.expert))
    }

    private static func absent(_ name: String) -> RoutingStatus.Worker {
        RoutingStatus.Worker(
            name: name, state: .absent, models: [], inFlight: 0, capacity: 0, residentBytes: 0, progress: 0,
            numerics: "", experts: [])
    }
}

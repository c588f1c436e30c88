/// A registered worker as the shell needs it to talk about experts.
package struct ConnectedWorker: Hashable, Sendable {
    package let name: String
    package let connection: WorkerConnection
    package let isReady: Bool
    package let models: [ModelHolding]
    package let experts: [ExpertHolding]
    package let hasDataEndpoint: Bool

    package init(
        name: String, connection: WorkerConnection, isReady: Bool, models: [ModelHolding], experts: [ExpertHolding],
        hasDataEndpoint: Bool
    ) {
        self.name = name
        self.connection = connection
        self.isReady = isReady
        self.models = models
        self.experts = experts
        self.hasDataEndpoint = hasDataEndpoint
    }
}

extension RoutingStateMachine {
    /// Sorted by name; those that are lost are not among them.
    package var connectedWorkers: [ConnectedWorker] {
        workers.records.compactMap { record in
            guard !record.isLost, record.condition != .draining, let connection = record.connection else { return nil }
            return ConnectedWorker(
                name: record.name, connection: connection, isReady: record.condition == .ready,
                models: record.hello.models, experts: record.hello.experts,
                hasDataEndpoint: record.hello.data != nil)
        }
    }
}

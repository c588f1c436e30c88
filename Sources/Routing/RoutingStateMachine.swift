/// The router's decisions as a value: event in, directives out. No clock, socket, file, random source or logger; the
/// same events at the same moments give the same directives, which is what lets `Simulation` search for mistakes.
///
/// The shape is that of SWIM.Instance in swift-cluster-membership: this is the instance, `RouterService` is the shell.
package struct RoutingStateMachine: Sendable {
    package let configuration: RoutingConfiguration

    package init(configuration: RoutingConfiguration, at now: Instant) {
        self.configuration = configuration
    }

    /// Takes in what happened and says what to do. Every timer that is due by `now` fires too, whatever the event.
    package mutating func handle(_ event: Event, at now: Instant) -> [Directive] {
        []
    }

    /// When the next `tick` is due at the latest; nil: nothing is waiting for time to pass.
    package var nextDeadline: Instant? { nil }

    /// No query is left, and none will be taken: the shell may stop.
    package var isDrained: Bool { false }

    package func status(at now: Instant) -> RoutingStatus {
        RoutingStatus(state: .degraded, queued: 0, inFlight: 0, retained: 0, workers: [], nodes: [])
    }
}

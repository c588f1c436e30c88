/// Failures in a row and the back-off they earn. With few workers a count says more than statistics would.
package struct WorkerHealth: Hashable, Sendable {
    package private(set) var failuresInARow = 0
    package private(set) var ejectedUntil: Instant?

    package init() {}

    package mutating func succeed() {
        failuresInARow = 0
        ejectedUntil = nil
    }

    /// Ejects for `ejectionMilliseconds` · 2^(failures - 1), at most `ejectionMillisecondsMax`.
    package mutating func fail(_ configuration: RoutingConfiguration, at now: Instant) {
        failuresInARow = min(failuresInARow + 1, 32)
        let doubled = configuration.ejectionMilliseconds << UInt64(failuresInARow - 1)
        ejectedUntil = now.advanced(byMilliseconds: min(doubled, configuration.ejectionMillisecondsMax))
    }

    package func isEjected(at now: Instant) -> Bool {
        ejectedUntil.map { now < $0 } ?? false
    }
}

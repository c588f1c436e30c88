/// When a process that ended is started again: at once the first time, then after exponentially growing pauses, and no
/// more after too many quick failures in a row. Pure.
package struct RestartPolicy: Sendable, Equatable {
    package var firstPauseMilliseconds = 100
    package var pauseMillisecondsMax = 5000
    /// Running for so long ends a row of failures.
    package var steadyMilliseconds = 10_000
    /// The failure in a row after which it gives up.
    package var quickFailuresMax = 6

    package init() {}

    package enum Decision: Equatable, Sendable {
        case restart(afterMilliseconds: Int)
        case giveUp(failures: Int)
    }

    /// - Parameter failures: quick failures in a row before this one; brought up to date.
    package func decide(ranMilliseconds: Int, failures: inout Int) -> Decision {
        failures = ranMilliseconds >= steadyMilliseconds ? 1 : failures + 1
        guard failures < quickFailuresMax else { return .giveUp(failures: failures) }
        // 100, 200, 400, … ms; a shift by at most 20 stays far from overflow.
        let pause = firstPauseMilliseconds << min(failures - 1, 20)
        return .restart(afterMilliseconds: min(pause, pauseMillisecondsMax))
    }
}

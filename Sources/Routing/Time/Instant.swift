/// A moment, in microseconds since a start that only the caller knows. The machine never reads a clock: every
/// `handle` gets the moment as an argument, and the moments it gets never go backwards.
package struct Instant: Hashable, Comparable, Sendable {
    package var microseconds: UInt64

    package init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    package init(milliseconds: UInt64) {
        self.microseconds = milliseconds.multipliedSaturating(by: 1000)
    }

    /// Saturates: a duration beyond the end of time is the end of time, not a trap.
    package func advanced(byMilliseconds milliseconds: UInt64) -> Instant {
        advanced(byMicroseconds: milliseconds.multipliedSaturating(by: 1000))
    }

    package func advanced(byMicroseconds other: UInt64) -> Instant {
        let (sum, overflow) = microseconds.addingReportingOverflow(other)
        return Instant(microseconds: overflow ? .max : sum)
    }

    /// Microseconds from `earlier` until this moment; 0 where `earlier` is not earlier.
    package func microseconds(since earlier: Instant) -> UInt64 {
        microseconds > earlier.microseconds ? microseconds - earlier.microseconds : 0
    }

    /// Milliseconds from now until this moment, rounded up, so that a waiting caller never wakes too early.
    package func milliseconds(from now: Instant) -> UInt64 {
        let remaining = microseconds(since: now)
        return remaining / 1000 + (remaining % 1000 == 0 ? 0 : 1)
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension UInt64 {
    fileprivate func multipliedSaturating(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

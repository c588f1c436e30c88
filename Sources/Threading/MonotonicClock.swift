import Glibc

/// Time that never goes backwards and does not stop for a change of the wall clock.
package enum MonotonicClock {
    /// Microseconds since some fixed moment before the process began (`CLOCK_MONOTONIC`).
    package static var nowMicroseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000 &+ UInt64(time.tv_nsec) / 1000
    }

    /// Milliseconds from now until `deadlineMicroseconds`, rounded up so that a waiter never wakes too early;
    /// 0 when it has passed.
    package static func millisecondsUntil(_ deadlineMicroseconds: UInt64) -> Int {
        let now = nowMicroseconds
        guard deadlineMicroseconds > now else { return 0 }
        return Int(min((deadlineMicroseconds - now + 999) / 1000, UInt64(Int32.max)))
    }
}

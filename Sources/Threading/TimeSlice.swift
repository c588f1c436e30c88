import CPlatform

/// How long the calling thread, and each thread that it starts later, may compute before others get their turn.
///
/// A process that serves has threads that pass something on at once and sleep again (libzmq's, event loops), and threads that multiply
/// matrices. With equal slices the first wait behind the second for up to milliseconds, at each of the six changes of thread in a dispatch's
/// round trip; with shorter ones they come first when they wake up (EEVDF, Linux 6.12 and later; no privilege is needed).
package enum TimeSlice: UInt64 {
    /// For what wakes up often and computes little. The least that Linux takes.
    case short = 100_000
    /// The system's.
    case standard = 0

    /// A system that does not know slices goes on as it is.
    package func give() { _ = skein_time_slice(rawValue) }
}

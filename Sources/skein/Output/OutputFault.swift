import ArgumentParser
import Foundation
import Synchronization

/// Standard output cannot be written: a full disk, a closed descriptor, or a reader that has gone (`… | head`).
///
/// What runs has to end properly: a query is cancelled, on its worker too. A command without such a reaction ends at once.
struct OutputFault: Sendable {
    let code: Int32

    private struct State {
        var fault: OutputFault?
        var reaction: (@Sendable () -> Void)?
    }

    private static let state = Mutex(State())

    static var current: OutputFault? { state.withLock { $0.fault } }

    /// From now on the first failed write calls this, and nothing more is written; `check` then says why.
    static func onFirst(_ reaction: @escaping @Sendable () -> Void) { state.withLock { $0.reaction = reaction } }

    static func check() throws(CommandFailure) {
        if let fault = current { throw fault.failure }
    }

    func happened() {
        let reaction = Self.state.withLock { state in
            state.fault = state.fault ?? self
            return state.reaction
        }
        if let reaction { return reaction() }
        if !failure.message.isEmpty { Terminal.note("skein: \(failure.message)") }
        Interruption.endProcess(.failure)
    }

    /// Quiet where the reader has gone: it had what it wanted.
    var failure: CommandFailure {
        .failed(code == EPIPE ? "" : "standard output cannot be written: \(String(cString: strerror(code)))")
    }
}

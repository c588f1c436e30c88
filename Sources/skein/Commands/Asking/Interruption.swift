import ArgumentParser
import Foundation
import Synchronization
import Threading

/// Ctrl-C (and SIGTERM, SIGHUP) as a call: what runs is to be ended properly before the process ends.
///
/// Without an action the process ends at once. With one the first signal calls it, and a second one ends the process.
final class Interruption: Sendable {
    private struct State {
        var action: (@Sendable () -> Void)?
        var wasUsed = false
        var repeats = false
    }

    private final class Reaction: Sendable {
        let state = Mutex(State())

        func signalled() {
            let action = state.withLock { state -> (@Sendable () -> Void)? in
                defer { state.wasUsed = true }
                return state.wasUsed && !state.repeats ? nil : state.action
            }
            guard let action else { Interruption.endProcess(.failure) }
            action()
        }

    }

    private let reaction: Reaction
    private let watch: SignalWatch

    /// The command has to be one of those that `WatchesSignals`.
    init() throws {
        let reaction = Reaction()
        self.reaction = reaction
        watch = try SignalWatch { _ in reaction.signalled() }
    }

    /// From now on the next signal calls this, and only the one after that ends the process.
    func onSignal(_ action: (@Sendable () -> Void)?) {
        reaction.state.withLock { $0 = State(action: action) }
    }

    func onEverySignal(_ action: @escaping @Sendable () -> Void) {
        reaction.state.withLock { $0 = State(action: action, repeats: true) }
    }

    static func endProcess(_ code: ExitCode) -> Never {
        Terminal.endProgress()
        fflush(nil)
        // Not `exit`: its handlers must not run beside threads that are still at work.
        _exit(code.rawValue)
    }

    /// Ends the process unless it has ended by then.
    static func endProcess(afterMilliseconds milliseconds: Int, saying message: String) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
            Terminal.note("skein: \(message)")
            endProcess(.failure)
        }
    }
}

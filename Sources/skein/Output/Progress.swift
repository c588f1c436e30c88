import Foundation
import Synchronization

/// Progress of work on several threads, shown at most ten times a second and not at all in the first half second.
final class ThrottledProgress: Sendable {
    private let what: String
    private let nextShown = Mutex(ContinuousClock.now + .milliseconds(500))

    init(_ what: String) { self.what = what }

    func show(fraction: Double) {
        guard Terminal.errorIsInteractive else { return }
        nextShown.withLock { next in
            guard ContinuousClock.now >= next else { return }
            next = .now + .milliseconds(100)
            Terminal.progress("\(what): \(Int(fraction * 100)) %")
        }
    }
}

/// Says after a while, and every second from then on, that something is being waited for; `end` takes it away again.
final class WaitingNote: Sendable {
    private enum State { case silent, shown, ended }

    private let state = Mutex(State.silent)
    private let text: String

    init(_ text: String, afterSeconds: Int = 1) {
        self.text = text
        guard Terminal.errorIsInteractive else { return }
        Task.detached { [weak self] in
            var seconds = 0
            repeat {
                try await Task.sleep(for: .seconds(seconds == 0 ? afterSeconds : 1))
                seconds += seconds == 0 ? afterSeconds : 1
            } while self?.show(seconds: seconds) == true
        }
    }

    func end() {
        state.withLock { state in
            if state == .shown { Terminal.endProgress() }
            state = .ended
        }
    }

    private func show(seconds: Int) -> Bool {
        state.withLock { state in
            guard state != .ended else { return false }
            state = .shown
            Terminal.progress("\(text) (\(seconds) s)")
            return true
        }
    }

    deinit { end() }
}

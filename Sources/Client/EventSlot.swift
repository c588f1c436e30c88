import Messaging
import Synchronization

/// Events on their way from the loop to whoever reads a query's stream.
///
/// A slow reader neither holds up the loop nor loses anything: partials that wait are joined into one, so the slot never
/// holds more than the answer itself.
final class EventSlot: Sendable {
    private struct State {
        var accepted: Accepted?
        var partial: Partial?
        var ending: ClientEvent?
        var isOver = false
        var reader: CheckedContinuation<ClientEvent?, Never>?

        /// The oldest event that waits.
        mutating func take() -> ClientEvent? {
            if let accepted { self.accepted = nil; return .accepted(accepted) }
            if let partial { self.partial = nil; return .partial(partial) }
            if let ending { self.ending = nil; return ending }
            return nil
        }

        mutating func put(_ event: ClientEvent) {
            switch event {
            case .accepted(let accepted): self.accepted = accepted
            case .partial(let partial): self.partial = self.partial?.joined(with: partial) ?? partial
            case .final, .failure: (ending, isOver) = (event, true)
            }
        }
    }

    private let state = Mutex(State())

    /// Whether the ending has been put, or the reader has gone.
    var isOver: Bool { state.withLock { $0.isOver } }

    func put(_ event: ClientEvent) {
        let delivery = state.withLock { state -> (CheckedContinuation<ClientEvent?, Never>, ClientEvent?)? in
            guard !state.isOver else { return nil }
            state.put(event)
            guard let reader = state.reader else { return nil }
            state.reader = nil
            return (reader, state.take())
        }
        if let (reader, event) = delivery { reader.resume(returning: event) }
    }

    /// The next event; nil after the ending, or once the reading task is cancelled.
    func next() async -> ClientEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> ClientEvent?? in
                    if let event = state.take() { return event }
                    if state.isOver { return .some(nil) }
                    precondition(state.reader == nil, "two tasks read one query's events")
                    state.reader = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            abandon()
        }
    }

    /// Nobody will read on.
    func abandon() {
        let reader = state.withLock { state in
            defer { state.reader = nil }
            state.isOver = true
            return state.reader
        }
        reader?.resume(returning: nil)
    }
}

extension Partial {
    /// This piece and the one that follows it.
    func joined(with next: Partial) -> Partial {
        var joined = self
        joined.attempt = next.attempt
        joined.tokens += next.tokens
        joined.text += next.text
        joined.logprobs += next.logprobs
        return joined
    }
}

import Client
import Messaging

/// What has come of a query so far.
struct Answer {
    let id: QueryID
    private(set) var accepted: Accepted?
    private(set) var tokens: [Int32] = []
    private(set) var logprobs: [TokenLogprobs] = []
    private(set) var text = ""
    private(set) var final: Final?
    private(set) var failure: Failure?

    init(id: QueryID) { self.id = id }

    /// Follows a query to its end.
    /// - Parameter emit: called with text as it arrives.
    static func of(_ stream: QueryStream, emit: (String) -> Void) async -> Answer {
        let waiting = WaitingNote("waiting for the first token")
        var answer = Answer(id: stream.id)
        for await event in stream {
            answer.take(event)
            if case .partial(let partial) = event, !partial.text.isEmpty {
                waiting.end()
                emit(partial.text)
            }
            // Nothing comes after the ending; the stream would say so, but there is no need to wait for that.
            if event.isEnding { break }
        }
        waiting.end()
        return answer
    }

    private mutating func take(_ event: ClientEvent) {
        switch event {
        case .accepted(let accepted): self.accepted = accepted
        case .partial(let partial):
            tokens += partial.tokens
            logprobs += partial.logprobs
            text += partial.text
        case .final(let final): self.final = final
        case .failure(let failure): self.failure = failure
        }
    }
}

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
    /// Of the attempt that was heard last; nil before the first.
    private(set) var attempt: UInt32?
    /// From asking to the ending, as this process saw it.
    private(set) var elapsed = Duration.zero
    private let begin = ContinuousClock.now

    init(id: QueryID) { self.id = id }

    /// Follows a query to its end.
    /// - Parameter emit: called with each event as it arrives.
    static func of(_ stream: QueryStream, emit: (ClientEvent) throws -> Void) async rethrows -> Answer {
        let waiting = WaitingNote("waiting for the first token")
        var answer = Answer(id: stream.id)
        for await event in stream {
            answer.take(event)
            if case .partial(let partial) = event, !partial.text.isEmpty { waiting.end() }
            try emit(event)
            // Nothing comes after the ending; the stream would say so, but there is no need to wait for that.
            if event.isEnding { break }
        }
        waiting.end()
        return answer
    }

    /// How it went through the graph of nodes, if it did.
    var walk: Walk? { final?.walk ?? failure?.walk }
    /// That answered.
    var node: String? { walk.map(\.node) ?? accepted?.node }

    private mutating func take(_ event: ClientEvent) {
        elapsed = begin.duration(to: .now)
        switch event {
        case .accepted(let accepted):
            self.accepted = accepted
            if accepted.attempt > 0 { attempt = accepted.attempt }
        case .partial(let partial):
            attempt = partial.attempt
            tokens += partial.tokens
            logprobs += partial.logprobs
            text += partial.text
        case .final(let final): self.final = final
        case .failure(let failure): self.failure = failure
        }
    }
}

import Messaging
import Routing
import Threading
import Tokenization
import Topology

/// Encodes prompts on a thread of its own, so that a long one does not hold up the loop.
final class PromptEncoder: Sendable {
    struct Job: Sendable {
        let key: QueryKey
        let ticket: UInt64
        let prompt: Prompt
        /// Nil for a server outside the cluster, which encodes for itself.
        let text: ModelText?
        /// What a master generated of the query, and what those tokens are.
        var rewrite: (tokens: [Int32], tokenizer: Tokenizer)?
        /// What became of an earlier rewrite.
        var note: RewriteNote?
        var wants = QueryWording.original
    }

    private let jobs: Mailbox<Job?>
    private let thread: NamedThread

    /// - Parameter report: called on the encoder's thread with `prepared` or `preparationFailed`.
    init(jobsMax: Int, report: @escaping @Sendable (Event) -> Void) throws(ThreadingError) {
        let wake = try Wake()
        let jobs = Mailbox<Job?>(capacity: jobsMax + 1, wake: wake)
        self.jobs = jobs
        thread = try NamedThread(name: "encoder") {
            while true {
                for job in jobs.drain() {
                    guard let job else { return }
                    report(job.encoded())
                }
                _ = wake.wait(milliseconds: -1)
            }
        }
    }

    /// False when too many jobs wait.
    func encode(_ job: Job) -> Bool { jobs.push(job) }

    func stop() {
        _ = jobs.push(nil)
        jobs.close()
        thread.join()
    }
}

extension PromptEncoder.Job {
    fileprivate func encoded() -> Event {
        do throws(TokenizationError) {
            let fresh = freshNote
            let wording = Wording.prompt(prompt, fresh ?? note, wants: wants)
            guard let text else { return .prepared(key, ticket: ticket, promptTokens: [], rewrite: fresh) }
            let tokens = try text.encode(wording)
            if tokens.isEmpty { return failed(.emptyPrompt, "the prompt is empty; send at least one token") }
            return .prepared(key, ticket: ticket, promptTokens: tokens, rewrite: fresh)
        } catch {
            return failed(.invalidParameter, error.description)
        }
    }

    private var freshNote: RewriteNote? {
        guard let rewrite, let original = Wording.query(of: prompt) else { return nil }
        return Wording.note(rewrite.tokenizer.decodeBytes(rewrite.tokens), original: original)
    }

    private func failed(_ kind: Routing.FailureKind, _ message: String) -> Event {
        .preparationFailed(key, ticket: ticket, Routing.Failure(kind, message))
    }
}

extension ModelText {
    fileprivate func encode(_ prompt: Prompt) throws(TokenizationError) -> [Int32] {
        switch prompt {
        case .chat(let messages):
            try encode(messages.map { Tokenization.ChatMessage(.init($0.role), $0.content) })
        case .text(let text, let parseSpecial): encode(raw: text, parseSpecial: parseSpecial)
        case .tokens(let ids): ids
        }
    }
}

extension Tokenization.ChatRole {
    fileprivate init(_ wire: Messaging.ChatRole) {
        self =
            switch wire {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            }
    }
}

import Messaging
import Routing
import Tokenization
import Topology

// Queries that go through the graph: their prompts, made anew for each node.
extension RouterShell {
    func prepare(_ key: QueryKey, ticket: UInt64, _ part: Preparation) {
        switch part {
        case .query: prepareQuery(key, ticket: ticket)
        case .decision(let master): prepareDecision(key, ticket: ticket, master)
        case .answer(let node, let rewrite): prepareAnswer(key, ticket: ticket, node, rewrite)
        }
    }

    private func prepareDecision(_ key: QueryKey, ticket: UInt64, _ master: String) {
        guard let entry = walks[key], let query = Wording.query(of: entry.prompt), let text = reading.text(of: master)
        else { return failPreparing(key, ticket, .invalidParameter, "a master reads words, and the query has none") }
        let messages = MasterPrompt.messages(for: query)
            .map { Messaging.ChatMessage(role: $0.role == .system ? .system : .user, content: $0.content) }
        encode(PromptEncoder.Job(key: key, ticket: ticket, prompt: .chat(messages), text: text))
    }

    private func prepareAnswer(_ key: QueryKey, ticket: UInt64, _ name: String, _ rewrite: Preparation.Rewrite?) {
        guard let entry = walks[key], let node = reading.graph[name] else {
            return failPreparing(key, ticket, .internalError, "node \(name) is gone")
        }
        let text = reading.text(of: name)
        answers.restart(key, style(of: name, entry))
        var job = PromptEncoder.Job(key: key, ticket: ticket, prompt: entry.prompt, text: text)
        job.wants = node.wants
        job.note = entry.rewrite
        if let rewrite, let tokenizer = reading.text(of: rewrite.author)?.tokenizer {
            job.rewrite = (rewrite.tokens, tokenizer)
        }
        encode(job)
    }

    /// Nodes have vocabularies of their own, so the whole is bytes.
    func assemble(_ key: QueryKey, ticket: UInt64, _ parts: [AnswerPart], _ how: Routing.Reassembly) {
        guard let entry = walks[key] else { return }
        let texts = parts.map { part in
            var answer = AnswerText(style(of: part.node, entry))
            return part.tokens.reduce(into: "") { $0 += answer.append($1) } + answer.finish()
        }
        answers.restart(key, AnswerStyle(vocabulary: .bytes, stops: entry.stops))
        handle(.assembled(key, ticket: ticket, bytes: Array(Assembling.text(texts, how).utf8)))
    }

    /// A branch has become its query: its text, its rewrite and its call go on under the query's name.
    func adopt(_ key: QueryKey, from branch: QueryKey) {
        answers.adopt(key, from: branch)
        walks.adopt(key, from: branch)
        for (ticket, caller) in calls where caller == branch { calls[ticket] = key }
    }

    /// The text of an answer that was passed over, made again.
    func revive(_ key: QueryKey, _ part: AnswerPart) {
        guard let entry = walks[key] else { return }
        answers.restart(key, style(of: part.node, entry))
        _ = answers.update(key) { answer in
            for token in part.tokens { _ = answer.append(token) }
        }
    }

    func forget(_ key: QueryKey) {
        if key.isBranch { answers.dropBranch(key) } else { answers.end(key) }
        walks.forget(key)
    }

    private func style(of node: String, _ entry: WalkBook.Entry) -> AnswerStyle {
        AnswerStyle(vocabulary: reading.text(of: node).map { .model($0.tokenizer) } ?? .bytes, stops: entry.stops)
    }

    func encode(_ job: PromptEncoder.Job) {
        guard !encoder.encode(job) else { return }
        let failure = Routing.Failure(
            .busy, "too many prompts are waiting to be encoded", retryAfterMilliseconds: 250)
        handle(.preparationFailed(job.key, ticket: job.ticket, failure))
    }

    private func failPreparing(
        _ key: QueryKey, _ ticket: UInt64, _ kind: Routing.FailureKind, _ message: String
    ) {
        handle(.preparationFailed(key, ticket: ticket, Routing.Failure(kind, message)))
    }

    /// A later node may want the same words.
    func noteRewrite(_ event: Event) {
        guard case .prepared(let key, _, _, let rewrite?) = event else { return }
        walks.note(rewrite, of: key)
    }
}

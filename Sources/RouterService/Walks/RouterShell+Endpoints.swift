import Endpoints
import Foundation
import Messaging
import Routing
import Topology

// Nodes that are servers outside the cluster.
extension RouterShell {
    func call(_ call: EndpointCall) {
        guard let entry = walks[call.query], let node = reading.graph[call.node], case .endpoint(let remote) = node.kind
        else { return failCall(call, "node \(call.node) is gone") }
        guard let request = request(call, entry, node, remote) else {
            return failCall(
                call,
                "\(call.node): the environment variable \(remote.keyVariable ?? "") has no key; set it where the router starts"
            )
        }
        calls[call.ticket] = call.query
        if !caller.call(call.ticket, request) {
            failCall(call, "too many calls to servers wait; try again in a moment")
        }
    }

    func hangUp(_ key: QueryKey, ticket: UInt64) {
        calls[ticket] = nil
        caller.hangUp(ticket)
    }

    /// From the callers' thread.
    func heard(_ ticket: UInt64, _ event: EndpointEvent) {
        guard let key = calls[ticket] else { return }
        switch event {
        case .text(let bytes): handle(.called(key, ticket: ticket, bytes: bytes))
        case .ended(let end):
            calls[ticket] = nil
            handle(.callEnded(key, ticket: ticket, EndpointEnding(end)))
        }
    }

    private func failCall(_ call: EndpointCall, _ message: String) {
        calls[call.ticket] = nil
        handle(.callEnded(call.query, ticket: call.ticket, .failed(message: message, retryAfterMilliseconds: 0)))
    }

    /// Nil: its key is not in the environment.
    private func request(
        _ call: EndpointCall, _ entry: WalkBook.Entry, _ node: NodeEntry, _ remote: RemoteModel
    ) -> EndpointRequest? {
        let key = remote.keyVariable.flatMap { ProcessInfo.processInfo.environment[$0] }
        if remote.keyVariable != nil, key?.isEmpty ?? true { return nil }
        let prompt = Wording.prompt(entry.prompt, entry.rewrite, wants: node.wants)
        var request = EndpointRequest(url: remote.url, model: remote.model, messages: Self.messages(prompt))
        request.key = key
        request.certificatesFile = remote.certificatesFile
        request.connectMilliseconds = remote.connectMilliseconds
        request.silenceMilliseconds = remote.silenceMilliseconds
        request.deadlineMilliseconds = Int(clamping: call.deadlineMilliseconds)
        request.maxTokens = call.maxTokens
        request.temperature = call.sampling.temperature
        request.topP = call.sampling.topP
        request.seed = call.sampling.seed
        return request
    }

    private static func messages(_ prompt: Prompt) -> [EndpointRequest.Message] {
        switch prompt {
        case .chat(let messages):
            messages.map { message in
                let role =
                    switch message.role {
                    case .system: "system"
                    case .user: "user"
                    case .assistant: "assistant"
                    }
                return EndpointRequest.Message(role: role, content: message.content)
            }
        case .text(let text, _): [EndpointRequest.Message(role: "user", content: text)]
        case .tokens: []
        }
    }
}

extension EndpointEnding {
    init(_ end: EndpointEnd) {
        self =
            switch end {
            case .finished(let reason): .finished(reason == "length" ? .maxTokens : .endToken)
            case .failed(let fault):
                .failed(message: fault.description, retryAfterMilliseconds: fault.retryAfterMilliseconds)
            }
    }
}

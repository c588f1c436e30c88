import Client
import Foundation
import Messaging
import Testing
import Threading

/// A query's events, taken in one after the other.
struct Reading {
    private(set) var tokens: [Int32] = []
    private(set) var logprobs: [TokenLogprobs] = []
    private(set) var text = ""
    private(set) var partials = 0
    private(set) var attempt: UInt32 = 0
    private(set) var final: Final?
    private(set) var failure: Failure?
    let id: QueryID
    private var iterator: QueryStream.Iterator

    init(_ stream: QueryStream) {
        id = stream.id
        iterator = stream.makeAsyncIterator()
    }

    var isOver: Bool { final != nil || failure != nil }

    /// Takes the next event in; false when there is none.
    mutating func next() async -> Bool {
        switch await iterator.next() {
        case nil: return false
        case .accepted: break
        case .partial(let partial):
            #expect(Int(partial.position) == tokens.count, "a gap or a repetition in the tokens")
            #expect(Int(partial.textOffset) == text.utf8.count, "a gap or a repetition in the text")
            (partials, attempt) = (partials + 1, partial.attempt)
            tokens += partial.tokens
            logprobs += partial.logprobs
            text += partial.text
        case .final(let final): self.final = final
        case .failure(let failure): self.failure = failure
        }
        return true
    }

    /// The answers to several queries, asked one after the other.
    static func all(_ queries: [Query], through client: RouterClient) async throws -> [Reading] {
        var readings: [Reading] = []
        for query in queries {
            // An id names one query in one cluster; the body may be asked of several.
            var own = query
            own.id = .random()
            var reading = Reading(client.submit(own))
            _ = try await reading.answer()
            readings.append(reading)
        }
        return readings
    }

    mutating func read(tokens count: Int) async throws {
        while tokens.count < count, await next() {}
        try #require(!isOver, "it ended early: \(String(describing: final)), \(String(describing: failure))")
    }

    /// Reads to the end, which must be an answer.
    mutating func answer() async throws -> Final {
        while await next() {}
        return try #require(final, "no answer: \(String(describing: failure))")
    }

    /// Reads to the end, which must be a failure.
    mutating func refusal() async throws -> FailureKind {
        while await next() {}
        return try #require(failure, "no failure, but \(tokens.count) tokens").kind
    }
}

/// What every answer is compared with: the same model in one process, without a cluster.
struct Reference: Decodable, Sendable {
    let promptTokens, tokens: [Int32]
    let text: String

    static func routed(_ cluster: TestCluster, tokens: UInt32, route: String) async throws -> Reference {
        let experts = ["--experts", try Places.experts(), "--route", route]
        return try await generate(
            cluster, prompt: Story.prompt, options: ["--raw", "--max-tokens", "\(tokens)"] + experts)
    }

    static func generate(_ cluster: TestCluster, prompt: String, options: [String]) async throws -> Reference {
        let arguments = ["generate", "--model", try Places.model(), "--threads", "1", "--json", "--prompt", prompt]
        let (code, output, errors) = try await cluster.run(arguments + options)
        try #require(code == 0, "\(errors)")
        return try JSONDecoder().decode(Reference.self, from: Data(output.utf8))
    }
}

/// A story goes on for as long as it is let.
enum Story {
    static let prompt = "Once upon a time, in a quiet village,"

    static func query(_ tokens: UInt32, id: QueryID = .random()) -> Query {
        Query(id: id, prompt: .text(prompt), maxTokens: tokens, trace: true)
    }

    static func reference(_ cluster: TestCluster, tokens: UInt32) async throws -> Reference {
        try await Reference.generate(cluster, prompt: prompt, options: ["--raw", "--max-tokens", "\(tokens)"])
    }
}

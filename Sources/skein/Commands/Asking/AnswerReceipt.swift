import Messaging

/// Everything that the bits of an answer depend on, and the answer: what `skein replay` reads.
struct AnswerReceipt: Codable, Equatable {
    struct SamplingValues: Codable, Equatable {
        let temperature, topP, minP, repetitionPenalty: Float
        let topK, repetitionWindow: UInt32
        let seed: UInt64
    }

    struct Expert: Codable, Equatable {
        let name, sha256: String
    }

    struct Route: Codable, Equatable {
        let method, null, common: String
        let topK: UInt32
        let temperature: Float
        let allowed: [String]
        let biases, weights: [String: Float]
    }

    /// Of this form.
    let receipt: Int
    let modelSHA256, numerics: String
    let sampling: SamplingValues
    let maxTokens: UInt32
    let stop: [String]
    let promptTokens, tokens: [Int32]
    /// Of the tokens, nats; nil where they were not asked for.
    let logprobs: [Float]?
    /// Nil for a model without experts. The hash of the set covers the experts' names and hashes, null scores and common expert.
    let setSHA256: String?
    let experts: [Expert]?
    let route: Route?

    static let form = 1

    init(_ answer: Answer, stop: [String]) throws(CommandFailure) {
        guard let final = answer.final, let wire = final.receipt else {
            throw .failed("--receipt: the answer came without one")
        }
        guard !wire.prompt.isEmpty else {
            throw .failed(
                "--receipt: the prompt is longer than the \(WireLimits.receiptTokensMax) tokens that one repeats")
        }
        guard final.missing.isEmpty else {
            throw .failed("--receipt: the answer went without experts that were chosen; it cannot be reproduced")
        }
        receipt = Self.form
        (modelSHA256, numerics) = (wire.modelSHA256, wire.numerics)
        sampling = SamplingValues(wire.sampling)
        maxTokens = wire.maxTokens
        self.stop = stop
        (promptTokens, tokens) = (wire.prompt, answer.tokens)
        logprobs =
            answer.logprobs.count == answer.tokens.count && !answer.tokens.isEmpty
            ? answer.logprobs.map(\.logprob) : nil
        setSHA256 = final.routed?.setSHA256
        experts = final.routed.map { routed in
            zip(routed.experts, routed.expertsSHA256).map { Expert(name: $0, sha256: $1) }
        }
        route = final.routed?.route.map { Route($0) }
    }
}

extension AnswerReceipt.SamplingValues {
    init(_ wire: Sampling) {
        temperature = wire.temperature
        topP = wire.topP
        minP = wire.minP
        repetitionPenalty = wire.repetitionPenalty
        topK = wire.topK
        repetitionWindow = wire.repetitionWindow
        seed = wire.seed
    }
}

extension AnswerReceipt.Route {
    init(_ wire: RouteOptions) {
        (method, null, common) = (wire.method, wire.null, wire.common)
        (topK, temperature, allowed) = (wire.topK, wire.temperature, wire.allowed)
        biases = Dictionary(wire.biases.map { ($0.name, $0.value) }) { first, _ in first }
        weights = Dictionary(wire.weights.map { ($0.name, $0.value) }) { first, _ in first }
    }
}

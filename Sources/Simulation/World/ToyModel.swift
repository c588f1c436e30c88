import Routing

/// A "language model" whose next token is a hash of everything before it. A worker that was handed a wrong prefix, a
/// wrong seed or other numerics goes on with other tokens, so one comparison at the end sees any of these mistakes.
struct ToyModel {
    static let vocabulary = 251
    static let contextLength = 96

    private var state: UInt64
    private let seed: UInt64

    init(model: String, numerics: String, seed: UInt64, tokens: some Sequence<Int32>) {
        self.seed = seed
        state = 0
        for byte in model.utf8 { state = SplitMix64.mix(state ^ UInt64(byte)) }
        for byte in numerics.utf8 { state = SplitMix64.mix(state ^ UInt64(byte) << 8) }
        for token in tokens { absorb(token) }
    }

    private mutating func absorb(_ token: Int32) {
        state = SplitMix64.mix(state ^ UInt64(UInt32(bitPattern: token)) &+ 0x9E37_79B9)
    }

    /// The next token; nil where the end token comes.
    mutating func next() -> Int32? {
        let draw = SplitMix64.mix(state ^ seed)
        if draw % 37 == 0 { return nil }
        let token = Int32(truncatingIfNeeded: (draw >> 16) % UInt64(Self.vocabulary))
        absorb(token)
        return token
    }
}

/// A query as its client means it, and the answer that nothing may change.
struct Question: Hashable {
    var model: String
    var prompt: [Int32]
    var seed: UInt64
    var maxTokens: Int
    /// Decoding stops after this token, as a stop string would.
    var stopToken: Int32?

    var digest: BodyDigest {
        var hash = SplitMix64.mix(seed ^ UInt64(maxTokens) << 32 ^ UInt64(bitPattern: Int64(stopToken ?? -1)))
        for byte in model.utf8 { hash = SplitMix64.mix(hash ^ UInt64(byte)) }
        for token in prompt { hash = SplitMix64.mix(hash ^ UInt64(UInt32(bitPattern: token))) }
        return BodyDigest(bytes: (0..<8).map { UInt8(truncatingIfNeeded: hash >> ($0 * 8)) })
    }

    /// What an uninterrupted run on a worker with these numerics gives.
    func reference(numerics: String) -> (tokens: [Int32], reason: FinishReason) {
        var model = ToyModel(model: model, numerics: numerics, seed: seed, tokens: prompt)
        var tokens: [Int32] = []
        while tokens.count < min(maxTokens, ToyModel.contextLength - prompt.count) {
            guard let token = model.next() else { return (tokens, .endToken) }
            tokens.append(token)
            if token == stopToken { return (tokens, .stopString) }
        }
        return (tokens, .maxTokens)
    }
}

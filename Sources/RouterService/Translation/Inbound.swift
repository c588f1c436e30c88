import Deciding
import Digest
import Messaging
import Routing

// From the wire's words to the routing core's. The core imports no wire, so that it can be simulated without one.

extension Routing.Sampling {
    init(_ wire: Messaging.Sampling) {
        self.init(
            temperature: wire.temperature, topK: wire.topK, topP: wire.topP, minP: wire.minP,
            repetitionPenalty: wire.repetitionPenalty, repetitionWindow: wire.repetitionWindow, seed: wire.seed)
    }
}

extension Routing.QueryID {
    init(_ wire: Messaging.QueryID) {
        // Both hold exactly 16 bytes.
        guard let id = Self(bytes: wire.bytes) else { preconditionFailure("a query id of \(wire.bytes.count) bytes") }
        self = id
    }
}

extension Routing.Hello {
    init(_ wire: Messaging.Hello) {
        self.init(
            worker: wire.worker, incarnation: wire.incarnation, numerics: wire.numerics,
            models: wire.models.map {
                ModelHolding(
                    model: $0.model, sha256: $0.sha256, contextLength: Int($0.contextLength),
                    vocabulary: Int($0.vocabulary), routed: $0.routed, functionalTokens: $0.functionalTokens,
                    temperature: $0.temperature)
            },
            capacity: Int(wire.capacity), ready: wire.ready,
            experts: wire.experts.map {
                ExpertHolding(
                    expert: $0.expert, trunkSHA256: $0.trunkSHA256, sha256: $0.sha256, gatesSHA256: $0.gatesSHA256,
                    bytes: $0.bytes, standIn: $0.standIn)
            },
            data: wire.data.map { DataEndpoint(address: $0.address, publicKey: $0.publicKey) })
    }
}

extension Routing.Heartbeat {
    init(_ wire: Messaging.Heartbeat) {
        self.init(
            incarnation: wire.incarnation, progress: wire.progress, inFlight: Int(wire.inFlight),
            residentBytes: wire.residentBytes)
    }
}

extension Routing.Generated {
    init(_ wire: Messaging.Generated) {
        self.init(
            assignment: AssignmentID(wire.assignment), position: Int(wire.position), tokens: wire.tokens,
            logprobs: wire.logprobs.map { entry in
                Routing.TokenLogprobs(
                    logprob: entry.logprob, top: entry.top.map { .init(token: $0.token, logprob: $0.logprob) })
            })
    }
}

extension Routing.Ended {
    init(_ wire: Messaging.Ended) {
        self.init(
            assignment: AssignmentID(wire.assignment), kind: Kind(wire.kind), message: wire.message,
            prefillMicroseconds: wire.prefillMicroseconds, decodeMicroseconds: wire.decodeMicroseconds,
            missing: wire.missing.map { MissingExpert(expert: $0.expert, rows: $0.rows) },
            generatedTokens: Int(wire.generatedTokens),
            score: wire.score.map {
                Score(meanNLL: $0.meanNLL, tokens: Int($0.tokens), logitsSHA256: $0.logitsSHA256)
            },
            routed: wire.routed.map(Routing.RoutedTokens.init),
            reading: wire.reading.map { MasterReading(logits: $0.logits, mass: $0.mass) },
            relocated: wire.relocated.map {
                Relocation(expert: $0.expert, from: $0.from, to: $0.to, reloaded: $0.reloaded)
            },
            drops: wire.drops.map {
                LayerDrops(
                    layer: $0.layer, choices: $0.choices, byRank: $0.byRank, byPosition: $0.byPosition)
            })
    }
}

extension Routing.RoutedTokens {
    fileprivate init(_ wire: Messaging.RoutedTokens) {
        self.init(
            experts: wire.experts, expertsSHA256: wire.expertsSHA256, setSHA256: wire.setSHA256,
            route: wire.route.map(Routing.RouteOptions.init), firstPosition: wire.firstPosition,
            heaviest: wire.heaviest, shares: wire.shares, nullShares: wire.nullShares)
    }
}

extension Routing.Ended.Kind {
    fileprivate init(_ wire: EndKind) {
        self =
            switch wire {
            case .endToken: .endToken
            case .maxTokens: .maxTokens
            case .withdrawn: .withdrawn
            case .refused: .refused
            case .failed: .failed
            case .expertMissing: .expertMissing
            case .invalid: .invalid
            case .scored: .scored
            case .decided: .decided
            }
    }
}

extension Routing.RouteOptions {
    init(_ wire: Messaging.RouteOptions) {
        self.init(
            method: wire.method, topK: wire.topK, temperature: wire.temperature, null: wire.null, common: wire.common,
            allowed: wire.allowed, biases: wire.biases.map { .init(name: $0.name, value: $0.value) },
            weights: wire.weights.map { .init(name: $0.name, value: $0.value) })
    }
}

extension BodyDigest {
    /// Of all that decides the answer. What a resend may change (from where, how long) is left out.
    init(of query: Messaging.Query) {
        var body = query
        body.id = Messaging.QueryID(high: 0, low: 0)
        body.fromPosition = 0
        body.deadlineMilliseconds = 0
        body.trace = false
        self.init(bytes: SHA256Digest(of: Envelope(.query(body)).frames()[0]).bytes)
    }
}

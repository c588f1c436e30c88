import Messaging
import Routing

// From the routing core's words to the wire's.

extension Messaging.QueryID {
    init(_ id: Routing.QueryID) { self.init(high: id.high, low: id.low) }
}

extension Messaging.Sampling {
    init(_ core: Routing.Sampling) {
        self.init(
            temperature: core.temperature, topK: core.topK, topP: core.topP, minP: core.minP,
            repetitionPenalty: core.repetitionPenalty, repetitionWindow: core.repetitionWindow, seed: core.seed)
    }
}

extension Messaging.FailureKind {
    init(_ core: Routing.FailureKind) { self = Self(rawValue: UInt32(core.rawValue)) ?? .internal }
}

extension Messaging.Failure {
    init(_ core: Routing.Failure, query: Routing.QueryID?) {
        self.init(
            id: query.map(Messaging.QueryID.init), kind: .init(core.kind), message: core.message,
            retryAfterMilliseconds: core.retryAfterMilliseconds, tokensSent: UInt32(clamping: core.tokensSent),
            walk: core.walk.map(Messaging.Walk.init))
    }
}

extension Messaging.TokenLogprobs {
    init(_ core: Routing.TokenLogprobs) {
        self.init(logprob: core.logprob, top: core.top.map { Alternative(token: $0.token, logprob: $0.logprob) })
    }
}

extension Messaging.Accepted {
    init(_ core: Routing.Accepted, query: Routing.QueryID) {
        self.init(
            id: .init(query), attempt: UInt32(clamping: core.attempt),
            promptTokens: UInt32(clamping: core.promptTokens),
            node: core.node, leaseMilliseconds: core.leaseMilliseconds,
            deadlineMilliseconds: core.deadlineMilliseconds)
    }
}

extension Messaging.Final {
    init(_ core: Routing.Final, query: Routing.QueryID) {
        self.init(
            id: .init(query), attempt: UInt32(clamping: core.attempt), finishReason: .init(core.finishReason),
            usage: Usage(
                promptTokens: UInt32(clamping: core.promptTokens),
                generatedTokens: UInt32(clamping: core.generatedTokens)),
            timings: Messaging.Timings(
                queue: core.timings.queue, prefill: core.timings.prefill, decode: core.timings.decode,
                total: core.timings.total),
            trace: core.trace.suffix(WireLimits.attemptsMax).map(TraceAttempt.init),
            receipt: core.receipt.map {
                Messaging.Receipt(
                    modelSHA256: $0.modelSHA256, numerics: $0.numerics, seed: $0.seed, sampling: .init($0.sampling),
                    maxTokens: UInt32(clamping: $0.maxTokens),
                    prompt: $0.prompt.count > WireLimits.receiptTokensMax ? [] : $0.prompt)
            },
            missing: core.missing.map { Messaging.MissingExpert(expert: $0.expert, rows: $0.rows) },
            score: core.score.map {
                Messaging.Score(
                    meanNLL: $0.meanNLL, tokens: UInt32(clamping: $0.tokens), logitsSHA256: $0.logitsSHA256)
            },
            routed: core.routed.map(Messaging.RoutedTokens.init), walk: core.walk.map(Messaging.Walk.init),
            relocated: core.relocated.map {
                Messaging.Relocation(expert: $0.expert, from: $0.from, to: $0.to, reloaded: $0.reloaded)
            },
            drops: core.drops.map {
                Messaging.LayerDrops(
                    layer: $0.layer, choices: $0.choices, byRank: $0.byRank, byPosition: $0.byPosition)
            })
    }
}

extension Messaging.RoutedTokens {
    fileprivate init(_ core: Routing.RoutedTokens) {
        self.init(
            experts: core.experts, expertsSHA256: core.expertsSHA256, setSHA256: core.setSHA256,
            route: core.route.map(Messaging.RouteOptions.init), firstPosition: core.firstPosition,
            heaviest: core.heaviest, shares: core.shares, nullShares: core.nullShares)
    }
}

extension Messaging.Walk {
    fileprivate init(_ core: WalkTrace) {
        self.init(
            node: core.node,
            shares: core.shares.map {
                NodeShare(
                    node: $0.node, untouched: Float($0.untouched), share: Float($0.share), inPlay: $0.inPlay)
            },
            mass: Float(core.mass), rewrite: core.rewrite?.text ?? "",
            originalKept: core.rewrite?.originalKept ?? false,
            lost: Array((core.rewrite?.lost ?? []).prefix(WireLimits.lostMax)),
            steps: core.steps.suffix(WireLimits.walkStepsMax).map {
                WalkStep(
                    node: $0.node, because: $0.because.rawValue, outcome: $0.outcome, microseconds: $0.microseconds,
                    confidence: Float($0.confidence ?? 0), branch: UInt32(clamping: $0.branch))
            })
    }
}

extension Messaging.FinishReason {
    fileprivate init(_ core: Routing.FinishReason) {
        self =
            switch core {
            case .endToken: .endToken
            case .maxTokens: .maxTokens
            case .stopString: .stopString
            case .scored: .scored
            }
    }
}

extension TraceAttempt {
    fileprivate init(_ core: AttemptTrace) {
        self.init(
            worker: core.worker, attempt: UInt32(clamping: core.attempt),
            firstPosition: UInt32(clamping: core.firstPosition), tokens: UInt32(clamping: core.tokens),
            queueMicroseconds: core.queueMicroseconds, prefillMicroseconds: core.prefillMicroseconds,
            decodeMicroseconds: core.decodeMicroseconds, outcome: core.outcome.rawValue)
    }
}

extension Envelope {
    /// The token ids travel as a tensor frame.
    init(_ core: Routing.Assign) {
        let body = Messaging.Assign(
            assignment: core.assignment.rawValue, model: core.model, generatedBefore: UInt32(core.generatedBefore),
            sampling: .init(core.sampling), maxTokens: UInt32(core.maxTokens),
            topLogprobs: UInt32(core.topLogprobs), deadlineMilliseconds: core.deadlineMilliseconds,
            route: core.route.map(Messaging.RouteOptions.init), score: core.score, trace: core.trace,
            decide: core.decide, rewriteBytes: UInt32(clamping: core.rewriteBytes))
        self.init(.assign(body), tensors: [Tensor(core.tokens)])
    }
}

extension Messaging.RouteOptions {
    init(_ core: Routing.RouteOptions) {
        self.init(
            method: core.method, topK: core.topK, temperature: core.temperature, null: core.null, common: core.common,
            allowed: core.allowed, biases: core.biases.map { NamedValue(name: $0.name, value: $0.value) },
            weights: core.weights.map { NamedValue(name: $0.name, value: $0.value) })
    }
}

extension Messaging.Membership {
    init(_ core: Routing.Membership) {
        self.init(
            version: core.version,
            holders: core.holders.map { holder in
                Messaging.ExpertHolder(
                    worker: holder.worker, incarnation: holder.incarnation,
                    data: Messaging.DataEndpoint(address: holder.data.address, publicKey: holder.data.publicKey),
                    experts: holder.experts.map {
                        Messaging.ExpertHolding(
                            expert: $0.expert, trunkSHA256: $0.trunkSHA256, sha256: $0.sha256,
                            gatesSHA256: $0.gatesSHA256, bytes: $0.bytes, standIn: $0.standIn)
                    })
            })
    }
}

extension StatusReply {
    init(_ core: RoutingStatus, cluster: String, uptimeMilliseconds: UInt64) {
        self.init(
            cluster: cluster, state: core.state.rawValue, uptimeMilliseconds: uptimeMilliseconds,
            queued: UInt32(clamping: core.queued), inFlight: UInt32(clamping: core.inFlight),
            workers: core.workers.map(WorkerStatus.init), nodes: core.nodes.map(NodeStatus.init))
    }
}

extension WorkerStatus {
    fileprivate init(_ core: RoutingStatus.Worker) {
        self.init(
            name: core.name, state: core.state.rawValue, models: core.models, inFlight: UInt32(clamping: core.inFlight),
            capacity: UInt32(clamping: core.capacity), residentBytes: core.residentBytes, progress: core.progress,
            numerics: core.numerics, experts: core.experts)
    }
}

extension NodeStatus {
    fileprivate init(_ core: RoutingStatus.Node) {
        self.init(name: core.name, model: core.model, readyWorkers: UInt32(clamping: core.readyWorkers))
    }
}

import CEnvelope
import CProtobufC

extension ModelHolding {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ModelHolding> {
        arena.message(skein__model_holding__init) { c in
            c.model = arena.text(model)
            c.sha256 = arena.text(sha256)
            c.context_length = contextLength
            c.vocabulary = vocabulary
            c.routed = routed ? 1 : 0
            c.n_functional_tokens = functionalTokens.count
            c.functional_tokens = arena.list(functionalTokens) { arena.text($0) }
            c.temperature = temperature
        }
    }

    init(_ c: Skein__ModelHolding) throws(WireError) {
        self.init(
            model: try readText(c.model, "ModelHolding.model", max: WireLimits.nameBytesMax),
            sha256: try readText(c.sha256, "ModelHolding.sha256", max: WireLimits.nameBytesMax),
            contextLength: c.context_length,
            vocabulary: c.vocabulary,
            routed: c.routed != 0,
            functionalTokens: try readList(
                c.functional_tokens, c.n_functional_tokens, "ModelHolding.functional_tokens",
                max: WireLimits.functionalTokensMax
            ) { (text) throws(WireError) in
                try readText(text, "ModelHolding.functional_tokens", max: WireLimits.nameBytesMax)
            },
            temperature: c.temperature)
    }
}

extension Hello {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Hello> {
        arena.message(skein__hello__init) { c in
            c.worker = arena.text(worker)
            c.incarnation = incarnation
            c.numerics = arena.text(numerics)
            c.n_models = models.count
            c.models = arena.list(models) { $0.encoded(arena) }
            c.capacity = capacity
            c.ready = ready ? 1 : 0
            c.n_experts = experts.count
            c.experts = arena.list(experts) { $0.encoded(arena) }
            c.data = data?.encoded(arena)
        }
    }

    init(_ c: Skein__Hello) throws(WireError) {
        self.init(
            worker: try readText(c.worker, "Hello.worker", max: WireLimits.nameBytesMax),
            incarnation: c.incarnation,
            numerics: try readText(c.numerics, "Hello.numerics", max: WireLimits.nameBytesMax),
            models: try readMessages(
                c.models, c.n_models, "Hello.models", max: WireLimits.modelsMax, ModelHolding.init),
            capacity: c.capacity,
            ready: c.ready != 0,
            experts: try readMessages(
                c.experts, c.n_experts, "Hello.experts", max: WireLimits.expertsMax, ExpertHolding.init),
            data: try c.data.map { (message) throws(WireError) in try DataEndpoint(message.pointee) })
    }
}

extension Welcome {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Welcome> {
        arena.message(skein__welcome__init) { c in
            c.incarnation = incarnation
            c.heartbeat_milliseconds = heartbeatMilliseconds
        }
    }

    init(_ c: Skein__Welcome) throws(WireError) {
        self.init(
            incarnation: c.incarnation,
            heartbeatMilliseconds: c.heartbeat_milliseconds)
    }
}

extension Heartbeat {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Heartbeat> {
        arena.message(skein__heartbeat__init) { c in
            c.incarnation = incarnation
            c.progress = progress
            c.in_flight = inFlight
            c.resident_bytes = residentBytes
        }
    }

    init(_ c: Skein__Heartbeat) throws(WireError) {
        self.init(
            incarnation: c.incarnation,
            progress: c.progress,
            inFlight: c.in_flight,
            residentBytes: c.resident_bytes)
    }
}

extension Goodbye {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Goodbye> {
        arena.message(skein__goodbye__init) { c in
            c.incarnation = incarnation
            c.reason = arena.text(reason)
        }
    }

    init(_ c: Skein__Goodbye) throws(WireError) {
        self.init(
            incarnation: c.incarnation,
            reason: try readText(c.reason, "Goodbye.reason", max: WireLimits.messageBytesMax))
    }
}

extension Assign {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Assign> {
        arena.message(skein__assign__init) { c in
            c.assignment = assignment
            c.model = arena.text(model)
            c.generated_before = generatedBefore
            c.sampling = sampling.encoded(arena)
            c.max_tokens = maxTokens
            c.top_logprobs = topLogprobs
            c.deadline_milliseconds = deadlineMilliseconds
            c.route = route?.encoded(arena)
            c.score = score ? 1 : 0
            c.trace = trace ? 1 : 0
            c.decide = decide ? 1 : 0
            c.rewrite_bytes = rewriteBytes
        }
    }

    init(_ c: Skein__Assign) throws(WireError) {
        self.init(
            assignment: c.assignment,
            model: try readText(c.model, "Assign.model", max: WireLimits.nameBytesMax),
            generatedBefore: c.generated_before,
            sampling: try c.sampling.map { (message) throws(WireError) in try Sampling(message.pointee) } ?? Sampling(),
            maxTokens: c.max_tokens,
            topLogprobs: c.top_logprobs,
            deadlineMilliseconds: c.deadline_milliseconds,
            route: try c.route.map { (message) throws(WireError) in try RouteOptions(message.pointee) },
            score: c.score != 0,
            trace: c.trace != 0,
            decide: c.decide != 0,
            rewriteBytes: c.rewrite_bytes)
    }
}

extension Withdraw {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Withdraw> {
        arena.message(skein__withdraw__init) { c in
            c.assignment = assignment
        }
    }

    init(_ c: Skein__Withdraw) throws(WireError) {
        self.init(
            assignment: c.assignment)
    }
}

extension Generated {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Generated> {
        arena.message(skein__generated__init) { c in
            c.assignment = assignment
            c.position = position
            c.n_tokens = tokens.count
            c.tokens = arena.list(tokens) { $0 }
            c.n_logprobs = logprobs.count
            c.logprobs = arena.list(logprobs) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Generated) throws(WireError) {
        self.init(
            assignment: c.assignment,
            position: c.position,
            tokens: try readList(c.tokens, c.n_tokens, "Generated.tokens", max: WireLimits.tokensMax) { $0 },
            logprobs: try readMessages(
                c.logprobs, c.n_logprobs, "Generated.logprobs", max: WireLimits.logprobTokensMax, TokenLogprobs.init))
    }
}

extension Ended {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Ended> {
        arena.message(skein__ended__init) { c in
            c.assignment = assignment
            c.kind = Skein__EndKind(rawValue: kind.rawValue)
            c.message = arena.text(message)
            c.prefill_microseconds = prefillMicroseconds
            c.decode_microseconds = decodeMicroseconds
            c.n_missing = missing.count
            c.missing = arena.list(missing) { $0.encoded(arena) }
            c.generated_tokens = generatedTokens
            c.score = score?.encoded(arena)
            c.routed = routed?.encoded(arena)
            c.reading = reading?.encoded(arena)
            c.n_relocated = relocated.count
            c.relocated = arena.list(relocated) { $0.encoded(arena) }
            c.n_drops = drops.count
            c.drops = arena.list(drops) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Ended) throws(WireError) {
        self.init(
            assignment: c.assignment,
            kind: try readCase(c.kind.rawValue, "Ended.kind"),
            message: try readText(c.message, "Ended.message", max: WireLimits.messageBytesMax),
            prefillMicroseconds: c.prefill_microseconds,
            decodeMicroseconds: c.decode_microseconds,
            missing: try readMessages(
                c.missing, c.n_missing, "Ended.missing", max: WireLimits.expertsMax, MissingExpert.init),
            generatedTokens: c.generated_tokens,
            score: try c.score.map { (message) throws(WireError) in try Score(message.pointee) },
            routed: try c.routed.map { (message) throws(WireError) in try RoutedTokens(message.pointee) },
            reading: try c.reading.map { (message) throws(WireError) in try Reading(message.pointee) },
            relocated: try readMessages(
                c.relocated, c.n_relocated, "Ended.relocated", max: WireLimits.expertsMax, Relocation.init),
            drops: try readMessages(c.drops, c.n_drops, "Ended.drops", max: WireLimits.sitesMax, LayerDrops.init))
    }
}

import CEnvelope
import CProtobufC

extension ChatMessage {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ChatMessage> {
        arena.message(skein__chat_message__init) { c in
            c.role = Skein__Role(rawValue: role.rawValue)
            c.content = arena.text(content)
        }
    }

    init(_ c: Skein__ChatMessage) throws(WireError) {
        self.init(
            role: try readCase(c.role.rawValue, "ChatMessage.role"),
            content: try readText(c.content, "ChatMessage.content", max: WireLimits.textBytesMax))
    }
}

extension Sampling {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Sampling> {
        arena.message(skein__sampling__init) { c in
            c.temperature = temperature
            c.top_k = topK
            c.top_p = topP
            c.min_p = minP
            c.repetition_penalty = repetitionPenalty
            c.repetition_window = repetitionWindow
            c.seed = seed
        }
    }

    init(_ c: Skein__Sampling) throws(WireError) {
        self.init(
            temperature: c.temperature,
            topK: c.top_k,
            topP: c.top_p,
            minP: c.min_p,
            repetitionPenalty: c.repetition_penalty,
            repetitionWindow: c.repetition_window,
            seed: c.seed)
    }
}

extension Accepted {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Accepted> {
        arena.message(skein__accepted__init) { c in
            c.id = arena.bytes(id.bytes)
            c.attempt = attempt
            c.prompt_tokens = promptTokens
            c.node = arena.text(node)
            c.lease_milliseconds = leaseMilliseconds
            c.deadline_milliseconds = deadlineMilliseconds
        }
    }

    init(_ c: Skein__Accepted) throws(WireError) {
        self.init(
            id: try readID(c.id, "Accepted.id"),
            attempt: c.attempt,
            promptTokens: c.prompt_tokens,
            node: try readText(c.node, "Accepted.node", max: WireLimits.nameBytesMax),
            leaseMilliseconds: c.lease_milliseconds,
            deadlineMilliseconds: c.deadline_milliseconds)
    }
}

extension Alternative {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Alternative> {
        arena.message(skein__alternative__init) { c in
            c.token = token
            c.logprob = logprob
        }
    }

    init(_ c: Skein__Alternative) throws(WireError) {
        self.init(
            token: c.token,
            logprob: c.logprob)
    }
}

extension TokenLogprobs {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__TokenLogprobs> {
        arena.message(skein__token_logprobs__init) { c in
            c.logprob = logprob
            c.n_top = top.count
            c.top = arena.list(top) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__TokenLogprobs) throws(WireError) {
        self.init(
            logprob: c.logprob,
            top: try readMessages(
                c.top, c.n_top, "TokenLogprobs.top", max: WireLimits.alternativesMax, Alternative.init))
    }
}

extension Partial {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Partial> {
        arena.message(skein__partial__init) { c in
            c.id = arena.bytes(id.bytes)
            c.attempt = attempt
            c.position = position
            c.n_tokens = tokens.count
            c.tokens = arena.list(tokens) { $0 }
            c.text = arena.text(text)
            c.n_logprobs = logprobs.count
            c.logprobs = arena.list(logprobs) { $0.encoded(arena) }
            c.text_offset = textOffset
        }
    }

    init(_ c: Skein__Partial) throws(WireError) {
        self.init(
            id: try readID(c.id, "Partial.id"),
            attempt: c.attempt,
            position: c.position,
            tokens: try readList(c.tokens, c.n_tokens, "Partial.tokens", max: WireLimits.tokensMax) { $0 },
            text: try readText(c.text, "Partial.text", max: WireLimits.textBytesMax),
            logprobs: try readMessages(
                c.logprobs, c.n_logprobs, "Partial.logprobs", max: WireLimits.logprobTokensMax, TokenLogprobs.init),
            textOffset: c.text_offset)
    }
}

extension Usage {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Usage> {
        arena.message(skein__usage__init) { c in
            c.prompt_tokens = promptTokens
            c.generated_tokens = generatedTokens
        }
    }

    init(_ c: Skein__Usage) throws(WireError) {
        self.init(
            promptTokens: c.prompt_tokens,
            generatedTokens: c.generated_tokens)
    }
}

extension Timings {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Timings> {
        arena.message(skein__timings__init) { c in
            c.queue = queue
            c.prefill = prefill
            c.decode = decode
            c.total = total
        }
    }

    init(_ c: Skein__Timings) throws(WireError) {
        self.init(
            queue: c.queue,
            prefill: c.prefill,
            decode: c.decode,
            total: c.total)
    }
}

extension TraceAttempt {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__TraceAttempt> {
        arena.message(skein__trace_attempt__init) { c in
            c.worker = arena.text(worker)
            c.attempt = attempt
            c.first_position = firstPosition
            c.tokens = tokens
            c.queue_microseconds = queueMicroseconds
            c.prefill_microseconds = prefillMicroseconds
            c.decode_microseconds = decodeMicroseconds
            c.outcome = arena.text(outcome)
        }
    }

    init(_ c: Skein__TraceAttempt) throws(WireError) {
        self.init(
            worker: try readText(c.worker, "TraceAttempt.worker", max: WireLimits.nameBytesMax),
            attempt: c.attempt,
            firstPosition: c.first_position,
            tokens: c.tokens,
            queueMicroseconds: c.queue_microseconds,
            prefillMicroseconds: c.prefill_microseconds,
            decodeMicroseconds: c.decode_microseconds,
            outcome: try readText(c.outcome, "TraceAttempt.outcome", max: WireLimits.nameBytesMax))
    }
}

extension Receipt {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Receipt> {
        arena.message(skein__receipt__init) { c in
            c.model_sha256 = arena.text(modelSHA256)
            c.numerics = arena.text(numerics)
            c.seed = seed
            c.sampling = sampling.encoded(arena)
            c.max_tokens = maxTokens
            c.n_prompt = prompt.count
            c.prompt = arena.list(prompt) { $0 }
        }
    }

    init(_ c: Skein__Receipt) throws(WireError) {
        self.init(
            modelSHA256: try readText(c.model_sha256, "Receipt.model_sha256", max: WireLimits.nameBytesMax),
            numerics: try readText(c.numerics, "Receipt.numerics", max: WireLimits.nameBytesMax),
            seed: c.seed,
            sampling: try c.sampling.map { (message) throws(WireError) in try Sampling(message.pointee) } ?? Sampling(),
            maxTokens: c.max_tokens,
            prompt: try readList(c.prompt, c.n_prompt, "Receipt.prompt", max: WireLimits.receiptTokensMax) { $0 })
    }
}

extension Score {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Score> {
        arena.message(skein__score__init) { c in
            c.mean_nll = meanNLL
            c.tokens = tokens
            c.logits_sha256 = arena.bytes(logitsSHA256)
        }
    }

    init(_ c: Skein__Score) throws(WireError) {
        self.init(
            meanNLL: c.mean_nll, tokens: c.tokens,
            logitsSHA256: try readBytes(c.logits_sha256, "Score.logits_sha256", count: Self.digestBytes))
    }
}

extension Final {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Final> {
        arena.message(skein__final__init) { c in
            c.id = arena.bytes(id.bytes)
            c.attempt = attempt
            c.finish_reason = Skein__FinishReason(rawValue: finishReason.rawValue)
            c.usage = usage.encoded(arena)
            c.timings = timings.encoded(arena)
            c.n_trace = trace.count
            c.trace = arena.list(trace) { $0.encoded(arena) }
            c.receipt = receipt?.encoded(arena)
            c.n_missing = missing.count
            c.missing = arena.list(missing) { $0.encoded(arena) }
            c.score = score?.encoded(arena)
            c.routed = routed?.encoded(arena)
            c.walk = walk?.encoded(arena)
            c.n_relocated = relocated.count
            c.relocated = arena.list(relocated) { $0.encoded(arena) }
            c.n_drops = drops.count
            c.drops = arena.list(drops) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Final) throws(WireError) {
        self.init(
            id: try readID(c.id, "Final.id"),
            attempt: c.attempt,
            finishReason: try readCase(c.finish_reason.rawValue, "Final.finish_reason"),
            usage: try c.usage.map { (message) throws(WireError) in try Usage(message.pointee) } ?? Usage(),
            timings: try c.timings.map { (message) throws(WireError) in try Timings(message.pointee) } ?? Timings(),
            trace: try readMessages(c.trace, c.n_trace, "Final.trace", max: WireLimits.attemptsMax, TraceAttempt.init),
            receipt: try c.receipt.map { (message) throws(WireError) in try Receipt(message.pointee) },
            missing: try readMessages(
                c.missing, c.n_missing, "Final.missing", max: WireLimits.expertsMax, MissingExpert.init),
            score: try c.score.map { (message) throws(WireError) in try Score(message.pointee) },
            routed: try c.routed.map { (message) throws(WireError) in try RoutedTokens(message.pointee) },
            walk: try c.walk.map { (message) throws(WireError) in try Walk(message.pointee) },
            relocated: try readMessages(
                c.relocated, c.n_relocated, "Final.relocated", max: WireLimits.expertsMax, Relocation.init),
            drops: try readMessages(c.drops, c.n_drops, "Final.drops", max: WireLimits.sitesMax, LayerDrops.init))
    }
}

extension Cancel {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Cancel> {
        arena.message(skein__cancel__init) { c in
            c.id = arena.bytes(id.bytes)
        }
    }

    init(_ c: Skein__Cancel) throws(WireError) {
        self.init(
            id: try readID(c.id, "Cancel.id"))
    }
}

extension Lease {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Lease> {
        arena.message(skein__lease__init) { c in
            c.n_ids = ids.count
            c.ids = arena.list(ids) { arena.bytes($0.bytes) }
        }
    }

    init(_ c: Skein__Lease) throws(WireError) {
        self.init(
            ids: try readList(c.ids, c.n_ids, "Lease.ids", max: WireLimits.leaseIDsMax) { (id) throws(WireError) in
                try readID(id, "Lease.ids")
            })
    }
}

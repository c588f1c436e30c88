import Messaging

/// One of each message, no field at its default, so that a field which the codec forgets shows.
enum MessageExamples {
    static let shadow = ShadowReport(
        model: "m", expert: "dutch", texts: 3, tokens: 99, nllChange: -0.25, share: 0.125, liveRows: 77,
        liveShare: 0.375, run: 5)
    static let id = QueryID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
    static let other = QueryID(high: 1, low: 2)
    static let sampling = Sampling(
        temperature: 0.7, topK: 40, topP: 0.9, minP: 0.05, repetitionPenalty: 1.1, repetitionWindow: 128,
        seed: .max)
    static let route = RouteOptions(
        method: "single:french", topK: 3, temperature: 0.5, null: "joins", common: "dropped:1",
        allowed: ["german", "python"], biases: [NamedValue(name: "swift", value: -1.5)],
        weights: [NamedValue(name: "manual", value: 0.25)])
    static let missing = [MissingExpert(expert: "swift", rows: 12), MissingExpert(expert: "manual", rows: 1)]
    static let drops = [LayerDrops(layer: 2, choices: 9, byRank: [1, 2], byPosition: [0, 3])]
    static let relocated = [Relocation(expert: "swift", from: "w1", to: "w2", reloaded: true)]
    static let score = Score(meanNLL: 2.5, tokens: 77, logitsSHA256: (0..<32).map { UInt8(255 - $0) })
    static let holding = ExpertHolding(
        expert: "french", trunkSHA256: "aa", sha256: "bb", gatesSHA256: "cc", bytes: 1 << 33, standIn: true)
    static let data = DataEndpoint(address: "tcp://host:7081", publicKey: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    static let nonce = (0..<16).map { UInt8($0 * 17) }
    static let logprobs = [
        TokenLogprobs(logprob: -0.5, top: [Alternative(token: 7, logprob: -0.5), Alternative(token: -1, logprob: -3)]),
        TokenLogprobs(logprob: -1.25, top: []),
    ]
    static let scopes = [
        ScopeStatistics(
            scope: "worker", name: "w1", counters: [Counter(name: "queries", value: 12)],
            latencies: [
                Percentiles(name: "queue", count: 3, mean: 1.5, p50: 1, p90: 2, p99: 3, max: 4)
            ])
    ]

    static func query(_ prompt: Prompt?) -> Message {
        .query(
            Query(
                id: id, node: "writer", prompt: prompt, sampling: sampling, maxTokens: 99, stop: ["\n\n", "ende"],
                deadlineMilliseconds: 30_000, fromPosition: 17, trace: true, topLogprobs: 3, route: route,
                score: true))
    }

    private static let routed = RoutedTokens(
        experts: ["french", "swift"], expertsSHA256: ["aa", "bb"], setSHA256: "cc", route: route, firstPosition: 3,
        heaviest: [2, 0, 1], shares: [0.75, 0, 0.5], nullShares: [0.25, 1, 0])
    private static let site = SiteRouting(
        site: "model.layers.0.self_attn.q_proj", rows: 7, keptNull: 1.5, keptCommon: 0.5, emptyRows: 1, fullRows: 6,
        fullNull: 0.75, entropy: 9.5, kept: [3, 2], full: [2.5, 2.75], chosen: [5, 4], heaviest: [4, 2],
        entropies: [0, 2, 4],
        mixture: MixtureRouting(
            together: [3], squaredLogSums: 2.5, capacityChoices: 9, droppedByRank: [1, 2], droppedByPosition: [0, 3],
            costs: [96, 0]))

    static let all: [Message] =
        [
            query(
                .chat([ChatMessage(role: .system, content: "Kurz."), ChatMessage(role: .user, content: "Grüße 🪿\0!")])),
            query(.text("<|im_end|>", parseSpecial: true)), query(.tokens([1, 0, Int32.max, -1])), query(nil),
            .accepted(
                Accepted(
                    id: id, attempt: 2, promptTokens: 31, node: "writer", leaseMilliseconds: 3000,
                    deadlineMilliseconds: 29_999)),
            .partial(
                Partial(
                    id: id, attempt: 1, position: 5, tokens: [11, 12], text: "né\0", logprobs: logprobs, textOffset: 44)
            ),
            .final(
                Final(
                    id: id, attempt: 2, finishReason: .stopString,
                    usage: Usage(promptTokens: 3, generatedTokens: 4),
                    timings: Timings(queue: 1, prefill: 2, decode: 3, total: 6),
                    trace: [
                        TraceAttempt(
                            worker: "w1", attempt: 1, firstPosition: 2, tokens: 3, queueMicroseconds: 4,
                            prefillMicroseconds: 5, decodeMicroseconds: 6, outcome: "workerLost")
                    ],
                    receipt: Receipt(
                        modelSHA256: "ab12", numerics: "k1/exact", seed: 9, sampling: sampling, maxTokens: 5,
                        prompt: [1, 300, 7]), missing: missing, score: score, routed: routed, relocated: relocated,
                    drops: drops)),
            .failure(
                Failure(
                    id: id, kind: .busy, message: "queue full: 64 of 64", retryAfterMilliseconds: 250, tokensSent: 8)),
            .failure(Failure(kind: .malformed, message: "no id")),
            .cancel(Cancel(id: id)), .lease(Lease(ids: [id, other])),
        ] + statistics + control + dataFamily

    private static let statistics: [Message] = [
        .statisticsRequest(StatisticsRequest(windowSeconds: 60)),
        .statisticsReply(
            StatisticsReply(windowSeconds: 60, sinceUnixSeconds: 1_700_000_000, scopes: scopes, shadows: [shadow])),
        .statisticsEvent(
            StatisticsEvent(sequence: 3, unixMilliseconds: 1_700_000_000_123, routerEpoch: 8, scopes: scopes)),
        .statusRequest(StatusRequest()),
        .statusReply(
            StatusReply(
                cluster: "quickstart", state: "ready", uptimeMilliseconds: 12, queued: 1, inFlight: 2,
                workers: [
                    WorkerStatus(
                        name: "w1", state: "ready", models: ["m", "n"], inFlight: 1, capacity: 8,
                        residentBytes: 1 << 33,
                        progress: 77, numerics: "k1/fast", experts: ["french", "swift"])
                ],
                nodes: [NodeStatus(name: "writer", model: "m", readyWorkers: 2)])),
        .routingRequest(RoutingRequest(model: "m", firstSite: 210)),
        .routingReport(
            RoutingReport(
                model: "m", setSHA256: "cc", experts: ["french", "swift"], sites: [site], firstSite: 1, siteCount: 2,
                sinceUnixSeconds: 1_700_000_000)),
    ]

    private static let control: [Message] = [
        .hello(
            Hello(
                worker: "w1", incarnation: 4, numerics: "k1/fast",
                models: [ModelHolding(model: "m", sha256: "ff", contextLength: 2048, vocabulary: 49_152, routed: true)],
                capacity: 8, ready: true, experts: [holding], data: data)),
        .welcome(Welcome(incarnation: 4, heartbeatMilliseconds: 250)),
        .heartbeat(Heartbeat(incarnation: 4, progress: 9, inFlight: 2, residentBytes: 1 << 34)),
        .goodbye(Goodbye(incarnation: 4, reason: "SIGTERM")),
        .assign(
            Assign(
                assignment: 5, model: "m", generatedBefore: 2, sampling: sampling, maxTokens: 64, topLogprobs: 2,
                deadlineMilliseconds: 1234, route: RouteOptions(method: "phatgoose", topK: 2), score: true,
                trace: true)),
        .withdraw(Withdraw(assignment: 5)),
        .generated(Generated(assignment: 5, position: 2, tokens: [4, 5], logprobs: logprobs)),
        .ended(
            Ended(
                assignment: 5, kind: .refused, message: "full", prefillMicroseconds: 6, decodeMicroseconds: 7,
                missing: missing, generatedTokens: 8, score: score, routed: routed, relocated: relocated, drops: drops)),
        .arrangeExperts(
            ArrangeExperts(
                request: 6, model: "m", trunk: true, trunkSHA256: "aa",
                published: [
                    PlacedExpert(expert: "dutch", sha256: "dd", folder: "/experts/dutch", shadow: true, standIn: true)
                ],
                retired: ["swift"])),
        .arrangeExperts(
            ArrangeExperts(
                request: 8, model: "m", trunk: true,
                shares: [
                    PlacedShare(worker: "w1", experts: ["m/0.0", "m/0.1"]),
                    PlacedShare(worker: "w2", experts: ["m/0.2"]),
                ])),
        .expertsArranged(ExpertsArranged(request: 6)),
        .expertsArranged(ExpertsArranged(request: 7, kind: .workerFull, message: "full")),
        .changeExperts(
            ChangeExperts(
                id: id, change: .publish, model: "m", expert: "dutch", sha256: "dd", folder: "/experts/dutch",
                worker: "w1", shadow: true)),
        .changeExperts(
            ChangeExperts(
                id: id, change: .place, model: "m", shares: [PlacedShare(worker: "w1", experts: ["m/0.0"])])),
        .shadowReport(shadow),
        .contentRequest(ContentRequest(sha256: "dd", file: "expert.yaml", offset: 1 << 33)),
        .contentPart(
            ContentPart(
                sha256: "dd", file: "expert.yaml", offset: 1 << 33, size: 1 << 34, kind: .unknownExpert,
                message: "gone")),
        .expertsChanged(
            ExpertsChanged(id: id, model: "m", version: 2, worker: "w1", experts: ["dutch", "french"])),
        .membership(
            Membership(
                version: 3, holders: [ExpertHolder(worker: "w1", incarnation: 4, data: data, experts: [holding])])),
    ]

    private static let dataFamily: [Message] = [
        .openSet(
            OpenSet(
                set: 2, nonce: nonce, worker: "w1", incarnation: 4, trunkSHA256: "aa", numerics: "lr1",
                experts: [SetExpert(id: 3, expert: "french", sha256: "bb")],
                groups: [SiteGroupShape(sites: ["q", "k"], outputs: [576, 192], inputs: 576)])),
        .setOpened(SetOpened(set: 2, nonce: nonce, worker: "w1", incarnation: 4)),
        .dispatch(
            Dispatch(
                dispatch: 9, set: 2, group: 118,
                selections: [
                    Selection(site: 1, expert: 3, rows: [0, 2, 300]), Selection(site: 2, expert: 4, rows: [1]),
                ])),
        .combine(Combine(dispatch: 9)),
        .dispatchFailed(DispatchFailed(dispatch: 9, set: 2, kind: .unknownExpert, message: "no expert 3")),
    ]
}

import Gating
import Inference
import Messaging

/// How a shadow does: texts that the cluster has answered are scored with the set and with the set and the shadow, one after the other, while
/// there is nothing else to do. Nobody waits for it, and no answer depends on it.
struct Rehearsals {
    private struct Text {
        let tokens: [Int32]
        let route: RouteRequest
    }

    private struct Trial {
        let text: Text
        let sequence: SequenceID
        /// Nats per token with the set alone; nil while that is being computed.
        let without: Double?
    }

    /// Texts that wait; of more the newest count.
    private static let waitingMax = 8
    /// Tokens of a text that are scored.
    private static let tokensMax = 512

    let candidate: TrunkSets.Candidate
    private var waiting: [Text] = []
    private var trial: Trial?
    private var texts: UInt64 = 0
    private var tokens: UInt64 = 0
    /// Nats.
    private var change = 0.0
    /// Σ kept weights that the shadow won, and rows altogether.
    private var won = 0.0
    private var rows = 0
    /// The same of live rows.
    private var live = (won: 0.0, rows: 0)
    private let run = UInt64.random(in: 1 ... .max)

    init(_ candidate: TrunkSets.Candidate) { self.candidate = candidate }

    /// A text with its answer; those whose route has no choice tell nothing.
    mutating func offer(_ tokens: [Int32], _ route: RouteRequest) {
        guard route.options.method.isScored, route.options.weights.isEmpty, tokens.count > 1 else { return }
        if waiting.count == Self.waitingMax { waiting.removeFirst() }
        waiting.append(Text(tokens: Array(tokens.prefix(Self.tokensMax)), route: route))
    }

    /// Begins the next text where nothing runs.
    mutating func begin(_ engine: Engine) {
        guard trial == nil, !engine.hasWork, !waiting.isEmpty else { return }
        start(waiting.removeFirst(), without: nil, engine)
    }

    private mutating func start(_ text: Text, without: Double?, _ engine: Engine) {
        var route = text.route
        route.rehearses = without != nil
        let request = GenerationRequest(prompt: text.tokens, maxTokens: 1, route: route, scores: true)
        // What does not fit any more (a route for an expert that is gone) is left out.
        trial = (try? engine.add(request)).map { Trial(text: text, sequence: $0, without: without) }
    }

    /// A scored sequence has ended. Returns the report where both are there.
    mutating func ended(
        _ sequence: SequenceID, _ reason: Inference.FinishReason, _ engine: Engine, _ bank: RoutedExpertBank,
        model: String
    ) -> ShadowReport? {
        guard let done = trial, done.sequence == sequence else { return nil }
        trial = nil
        _ = bank.takeMissing(sequence)
        guard case .scored(let score) = reason else { return nil }
        guard let without = done.without else {
            _ = bank.takeStatistics(of: candidate.set)
            start(done.text, without: score.meanNLL, engine)
            return nil
        }
        texts += 1
        // All but the first are predicted.
        let predicted = score.tokens - 1
        tokens += UInt64(predicted)
        change += (score.meanNLL - without) * Double(predicted)
        count(bank.takeStatistics(of: candidate.set))
        return report(model)
    }

    private mutating func count(_ statistics: RoutingStatistics) {
        guard let expert = statistics.experts.firstIndex(of: candidate.expert) else { return }
        for site in statistics.sites {
            won += site.kept[expert]
            rows += site.rows
        }
    }

    /// What live rows would have chosen. Returns the report where that is something new.
    mutating func count(live statistics: RoutingStatistics, model: String) -> ShadowReport? {
        guard let expert = statistics.experts.firstIndex(of: candidate.expert), !statistics.sites.isEmpty else {
            return nil
        }
        for site in statistics.sites {
            live.won += site.kept[expert]
            live.rows += site.rows
        }
        return report(model)
    }

    private func report(_ model: String) -> ShadowReport {
        ShadowReport(
            model: model, expert: candidate.expert, texts: texts, tokens: tokens,
            nllChange: change / Double(max(tokens, 1)), share: won / Double(max(rows, 1)),
            liveRows: UInt64(live.rows), liveShare: live.won / Double(max(live.rows, 1)), run: run)
    }
}

extension RouteMethod {
    fileprivate var isScored: Bool {
        switch self {
        case .phatgoose, .average, .arrow, .arrowUnit: true
        default: false
        }
    }
}

extension RunningModel {
    /// From now on texts are rehearsed with this candidate; what was counted with the same goes on.
    func rehearse(_ candidate: TrunkSets.Candidate?) {
        guard rehearsals?.candidate.set !== candidate?.set else { return }
        rehearsals = candidate.map { Rehearsals($0) }
    }

    /// A text and its answer, if somebody wants to rehearse it.
    func offer(_ tokens: [Int32], _ route: RouteRequest?) {
        guard rehearsals != nil, let bank else { return }
        rehearsals?.offer(tokens, route ?? RouteRequest(bank.defaultRoute))
    }

    /// What live rows would have chosen of a shadow since the last report.
    func countShadow(model: String) -> ShadowReport? {
        guard let statistics = bank?.takeShadowStatistics() else { return nil }
        return rehearsals?.count(live: statistics, model: model)
    }

    func rehearseNext() { rehearsals?.begin(engine) }

    func rehearsed(_ sequence: SequenceID, _ reason: Inference.FinishReason, model: String) -> ShadowReport? {
        guard let bank else { return nil }
        return rehearsals?.ended(sequence, reason, engine, bank, model: model)
    }
}

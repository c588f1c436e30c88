import Deciding
import Digest
import Gating
import Inference
import Messaging
import Threading

/// The compute thread's state: engines by model, and which assignment each of their sequences belongs to.
struct ComputeLoop {
    private struct Place {
        let model: String
        let sequence: SequenceID
    }

    private let engines: [String: RunningModel]
    private let models: [String]
    private let emit: @Sendable (ComputeEvent) -> Void
    private var places: [UInt64: Place] = [:]
    private var running: [String: [SequenceID: RunningAssignment]] = [:]
    private var reports = TokenReports()

    init(engines: [String: RunningModel], emit: @escaping @Sendable (ComputeEvent) -> Void) {
        self.engines = engines
        models = engines.keys.sorted()
        self.emit = emit
    }

    var inFlight: Int { places.count }
    var hasWork: Bool { engines.values.contains { $0.engine.hasWork } }
    /// Workers with experts were asked something that they have not answered.
    var isSettling: Bool { engines.values.contains(where: \.isSettling) }

    mutating func take(_ command: ComputeCommand) {
        switch command {
        case .assign(let assignment): start(assignment)
        case .withdraw(let id): withdraw(id)
        case .withdrawAll: for id in places.keys.sorted() { withdraw(id) }
        case .useExperts(let sets, let model, let request):
            let answer =
                engines[model].map { $0.stage(sets, request: request) }
                ?? ExpertsArranged(request: request, kind: .unfitExpert, message: "this worker does not serve \(model)")
            answer.map { emit(.arranged($0)) }
        case .findExperts(let shares, let model, let request):
            let answer =
                engines[model].map { $0.stage(shares, request: request) }
                ?? ExpertsArranged(request: request, kind: .unfitExpert, message: "this worker does not serve \(model)")
            answer.map { emit(.arranged($0)) }
        case .holdersChanged: break
        }
    }

    /// One step of every engine that has work.
    mutating func step() {
        for model in models {
            guard let running = engines[model], running.engine.hasWork else { continue }
            let events = running.engine.step()
            running.noteStep()
            noteLosses(model, running)
            takeTraces(model, running)
            for event in events { report(event, model: model) }
            let reports = running.takeReports(model: model, nowMicroseconds: MonotonicClock.nowMicroseconds)
            for report in reports { emit(.routed(report)) }
            if !reports.isEmpty, let shadow = running.countShadow(model: model) { emit(.rehearsed(shadow)) }
        }
        for generated in reports.due(nowMicroseconds: MonotonicClock.nowMicroseconds) { emit(.generated(generated)) }
    }

    /// What runs, or has just ended, tells at its end whose experts went elsewhere meanwhile.
    private mutating func noteLosses(_ model: String, _ engine: RunningModel) {
        for loss in engine.takeLosses() {
            for (sequence, entry) in running[model] ?? [:] {
                let options = engine.options(entry.assignment.request.route)
                for expert in loss.experts where options.mayChoose(expert) {
                    running[model]?[sequence]?.lost[expert] = loss.worker
                }
            }
        }
    }

    /// A step that ends a sequence has ended it in the bank too, so this comes before its ending is told.
    private mutating func takeTraces(_ model: String, _ engine: RunningModel) {
        for (sequence, entry) in running[model] ?? [:] where entry.routed != nil {
            running[model]?[sequence]?.routed?.add(engine.takeTrace(sequence))
        }
    }

    /// Workers with experts come and go, whether or not there is work.
    mutating func service() {
        for model in models {
            let experts = engines[model]?.service()
            engines[model].map { noteLosses(model, $0) }
            if let arranged = engines[model]?.settle() { emit(.arranged(arranged)) }
            if let arranged = engines[model]?.settlePlaces() { emit(.arranged(arranged)) }
            if places.isEmpty { engines[model]?.rehearseNext() }
            if let experts { emit(.unreachable(model: model, experts: experts)) }
        }
    }

    private mutating func start(_ assignment: Assignment) {
        let now = MonotonicClock.nowMicroseconds
        let entry = RunningAssignment(assignment, startedMicroseconds: now)
        guard places[assignment.id] == nil else {
            return emit(.ended(entry.ended(.refused, "assignment \(assignment.id) is here already", at: now)))
        }
        guard let engine = engines[assignment.model]?.engine else {
            return emit(.ended(entry.ended(.refused, "this worker does not hold \(assignment.model)", at: now)))
        }
        do throws(AdmissionError) {
            let sequence = try engine.add(assignment.request)
            var entry = entry
            if assignment.traces { entry.routed = engines[assignment.model]?.routedTally(assignment.request.route) }
            places[assignment.id] = Place(model: assignment.model, sequence: sequence)
            running[assignment.model, default: [:]][sequence] = entry
        } catch {
            emit(.ended(entry.ended(Self.kind(of: error), error.description, at: now)))
        }
    }

    private static func kind(of error: AdmissionError) -> EndKind {
        switch error {
        case .invalidRoute, .nothingToPredict, .noMaster: .invalid
        default: .refused
        }
    }

    private mutating func withdraw(_ id: UInt64) {
        guard let place = places.removeValue(forKey: id) else {
            // It ended at the same moment, or never arrived: the router waits for a word either way, and takes two.
            return emit(.ended(Ended(assignment: id, kind: .withdrawn)))
        }
        engines[place.model]?.engine.cancel(place.sequence)
        _ = engines[place.model]?.takeMissing(place.sequence)
        _ = engines[place.model]?.takeDrops(place.sequence)
        if let entry = running[place.model]?.removeValue(forKey: place.sequence) {
            end(entry.ended(.withdrawn, at: MonotonicClock.nowMicroseconds))
        }
    }

    private mutating func report(_ event: StepEvent, model: String) {
        let now = MonotonicClock.nowMicroseconds
        switch event {
        case .token(let sequence, let token):
            guard let isFirst = running[model]?[sequence].map({ $0.firstTokenMicroseconds == nil }),
                let generated = running[model]?[sequence]?.generated(token, at: now)
            else { return }
            reports.add(generated, isFirst: isFirst)
        case .finished(let sequence, let reason):
            guard let entry = running[model]?.removeValue(forKey: sequence) else {
                if let report = engines[model]?.rehearsed(sequence, reason, model: model) { emit(.rehearsed(report)) }
                return
            }
            if reason.isAnswer { engines[model]?.offer(entry.text, entry.assignment.request.route) }
            places[entry.assignment.id] = nil
            let (kind, message) = Self.ending(reason)
            let missing = engines[model]?.takeMissing(sequence) ?? []
            let relocated = engines[model]?.relocations(entry.lost) ?? []
            var ended = entry.ended(
                kind, message, missing: missing, relocated: relocated,
                drops: engines[model]?.takeDrops(sequence) ?? [], score: Self.score(reason), at: now)
            if case .decided(let reading) = reason {
                ended.reading = Reading(logits: reading.logits, mass: reading.mass)
            }
            end(ended)
        }
    }

    private mutating func end(_ ended: Ended) {
        if let generated = reports.take(ended.assignment) { emit(.generated(generated)) }
        emit(.ended(ended))
    }

    private static func score(_ reason: Inference.FinishReason) -> Messaging.Score? {
        guard case .scored(let score) = reason else { return nil }
        return Messaging.Score(
            meanNLL: score.meanNLL, tokens: UInt32(clamping: score.tokens), logitsSHA256: score.logitsSHA256.bytes)
    }

    private static func ending(_ reason: Inference.FinishReason) -> (EndKind, String) {
        switch reason {
        case .endToken: (.endToken, "")
        case .length: (.maxTokens, "")
        case .contextFull: (.maxTokens, "the context is full")
        case .scored: (.scored, "")
        case .decided: (.decided, "")
        case .failed(.expert(let message)): (.expertMissing, message)
        case .failed(let failure): (.failed, failure.description)
        }
    }
}

extension Inference.FinishReason {
    fileprivate var isAnswer: Bool {
        switch self {
        case .endToken, .length, .contextFull: true
        case .scored, .decided, .failed: false
        }
    }
}

import Gating
import Inference
import Kernels
import Tokenization
import Weights

/// One answer in this process: an engine with a single sequence, text completed and cut at stop strings as a router does it.
struct Generation {
    enum Ending: String, Encodable { case endToken, maxTokens, stopString }

    private let engine: Engine
    let bank: RoutedExpertBank?
    /// What tokens chose, where the request asked for it.
    private(set) var trace: [TracedChoice] = []
    private let promptTokens: [Int32]
    private var decoder: StreamingDecoder
    private var stops: StopMatcher
    private(set) var tokens: [GeneratedToken] = []
    private(set) var text = ""
    private(set) var ending: Ending?
    private(set) var prefill = Duration.zero
    private(set) var decode = Duration.zero

    let capacity: CapacityMode

    init(
        _ model: LoadedModel, promptTokens: [Int32], stop: [String], bank: RoutedExpertBank? = nil,
        capacity: CapacityMode = .dropless
    ) throws {
        self.bank = bank
        self.capacity = capacity
        let context = model.weights.configuration.contextLength
        let page = KeyValuePages.positionsPerPage
        // A capacity is counted over the whole prompt, in one step.
        let rows = capacity == .dropless ? 0 : promptTokens.count
        let limits = EngineLimits(
            tokensPerStepMax: max(EngineLimits().tokensPerStepMax, rows), sequencesMax: 1, waitingMax: 1,
            contextMax: context, keyValuePagesMax: (context + page - 1) / page)
        engine = try Engine(
            model: model.weights, limits: limits, team: model.team, bank: bank, capacity: capacity)
        self.promptTokens = promptTokens
        decoder = StreamingDecoder(model.text.tokenizer)
        stops = try StopMatcher(stop)
    }

    /// What mixture layers chose and dropped; nil where the model has none.
    var mixture: MixtureJSON? { MixtureJSON(engine.mixtureCounts, capacity) }

    /// - Parameter emit: called with text as soon as it is certain.
    mutating func run(_ request: GenerationRequest, emit: (String) -> Void) throws {
        let started = ContinuousClock.now
        var first: ContinuousClock.Instant?
        let id = try engine.add(request)
        let progress = ThrottledProgress("reading \(promptTokens.count) tokens")
        var read = 0
        while ending == nil, engine.hasWork {
            let events = engine.step()
            // The events of the last step end the sequence in the bank too: what it chose there comes with them.
            if let bank { trace += bank.takeTrace(id) }
            read += engine.statistics.prefillTokens
            if first == nil, events.isEmpty { progress.show(fraction: Double(read) / Double(promptTokens.count)) }
            if first == nil, !events.isEmpty {
                first = .now
                Terminal.endProgress()
            }
            for event in events { try take(event, id, emit: emit) }
        }
        let ended = ContinuousClock.now
        prefill = started.duration(to: first ?? ended)
        decode = (first ?? ended).duration(to: ended)
        if ending != .stopString { add(stops.append(decoder.finish()) + stops.finish(), emit) }
    }

    private mutating func take(_ event: StepEvent, _ id: SequenceID, emit: (String) -> Void) throws {
        guard ending == nil else { return }
        switch event {
        case .token(_, let token):
            tokens.append(token)
            add(stops.append(decoder.append(token.id)), emit)
            guard stops.stop != nil else { return }
            ending = .stopString
            engine.cancel(id)
        case .finished(_, .endToken): ending = .endToken
        case .finished(_, .length), .finished(_, .contextFull): ending = .maxTokens
        case .finished(_, .scored), .finished(_, .decided): break
        case .finished(_, .failed(let failure)): throw CommandFailure.failed(failure.description)
        }
    }

    private mutating func add(_ piece: String, _ emit: (String) -> Void) {
        guard !piece.isEmpty else { return }
        text += piece
        emit(piece)
    }
}

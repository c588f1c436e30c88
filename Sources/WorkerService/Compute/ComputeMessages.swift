import Inference
import Messaging

/// What the polling thread asks of the compute thread.
enum ComputeCommand: Sendable {
    case assign(Assignment)
    case withdraw(UInt64)
    /// The router is gone, and whoever comes back has given the work to others.
    case withdrawAll
    /// A set of experts that sequences are to begin with.
    case useExperts(TrunkSets, model: String, request: UInt64)
    /// Where the experts of a mixture are to be found; answered once they are.
    case findExperts([PlacedShare], model: String, request: UInt64)
    /// The board has news of workers with experts.
    case holdersChanged
}

/// One attempt of one query, as the router assigned it.
struct Assignment: Sendable {
    /// The router's name for this attempt.
    let id: UInt64
    /// The topology's name of the model.
    let model: String
    let request: GenerationRequest
    /// `Ended` tells how the tokens found their experts.
    let traces: Bool

    /// Length of the query's own prompt, without what earlier attempts generated: positions on the wire count generated
    /// tokens, positions in the engine count all.
    var promptTokens: Int { request.prompt.count - request.generatedBefore }

    /// - Throws: when the tensor is not what the message says.
    /// - Parameter route: resolved against the model's defaults; nil for a model without experts.
    init(_ assign: Assign, tensors: [Tensor], endTokens: Set<Int32>, route: RouteRequest?) throws(WireError) {
        guard let tensor = tensors.first else { throw .truncatedTensor("Assign comes with its tokens in a tensor") }
        let sampling = assign.sampling
        traces = assign.trace && route != nil
        var route = route
        if traces { route?.traces = true }
        id = assign.assignment
        model = assign.model
        request = GenerationRequest(
            prompt: try tensor.int32s(), generatedBefore: Int(assign.generatedBefore),
            sampling: SamplingOptions(
                temperature: sampling.temperature, topK: Int(sampling.topK),
                topP: sampling.topP == 0 ? 1 : sampling.topP,
                minP: sampling.minP,
                repetitionPenalty: sampling.repetitionPenalty == 0 ? 1 : sampling.repetitionPenalty,
                repetitionWindow: sampling.repetitionWindow == 0 ? 64 : Int(sampling.repetitionWindow),
                seed: sampling.seed),
            maxTokens: Int(assign.maxTokens), endTokens: endTokens,
            topLogprobs: assign.topLogprobs == 0 ? nil : Int(assign.topLogprobs), route: route, scores: assign.score,
            task: Self.task(assign))
    }
}

extension Assignment {
    private static func task(_ assign: Assign) -> MasterTask? {
        if assign.decide { return .decide }
        return assign.rewriteBytes > 0 ? .rewrite(textBytesMax: Int(assign.rewriteBytes)) : nil
    }
}

/// What the compute thread tells the polling thread.
enum ComputeEvent: Sendable {
    case generated(Generated)
    case ended(Ended)
    /// A set of experts is in use, or is not.
    case arranged(ExpertsArranged)
    case rehearsed(ShadowReport)
    /// What rows of a routed model have chosen since the last such report.
    case routed(RoutingReport)
    /// Experts of a model that nobody can be asked for, after workers came or went.
    case unreachable(model: String, experts: [String])

    /// What the router hears of it.
    var message: Message? {
        switch self {
        case .generated(let generated): .generated(generated)
        case .ended(let ended): .ended(ended)
        case .arranged(let arranged): .expertsArranged(arranged)
        case .rehearsed(let report): .shadowReport(report)
        case .routed(let report): .routingReport(report)
        case .unreachable: nil
        }
    }
}

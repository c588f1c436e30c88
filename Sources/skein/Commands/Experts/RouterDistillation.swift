import ExpertStore
import Gating
import Inference
import Learning
import Weights

/// Refits a fused model's router rows to what PHATGOOSE gives the experts for the same tokens of the train lines.
///
/// Inputs are those that the fused model's own routers see, with the rows they start from; shares are those of PHATGOOSE in its own run.
struct RouterDistillation {
    /// [layers][E][hidden]
    let rows: [[[Float]]]
    let tokens: Int
    /// Mean over layers of the cross-entropy to PHATGOOSE's shares, in nats.
    let before, after: Double

    /// Of one layer; further tokens are left out evenly.
    static let tokensMax = 8192

    struct Settings {
        let kind: FusedShares.Kind
        let topK: Int
        let ridge: Double
    }

    init(
        _ start: [[[Float]]], fused: LoadedModel, trunk: LoadedModel, bank: RoutedExpertBank,
        _ adapters: [AdapterFolder], _ texts: [TextSet], _ settings: Settings
    ) throws {
        let documents = texts.flatMap(\.documents).map(\.ids)
        let sample = TokenSample(documents, tokensMax: Self.tokensMax)
        let shares = try Self.shares(documents, sample, trunk, bank, adapters, settings)
        let inputs = try Self.inputs(documents, sample, fused, layers: start.count)
        let progress = ThrottledProgress("refitting \(start.count) routers")
        let count = adapters.count
        let fits = try Array(start.indices).concurrentMap { layer throws(CommandFailure) in
            guard inputs[layer].allSatisfy(\.isFinite), shares[layer].allSatisfy(\.isFinite) else {
                throw CommandFailure.failed("layer \(layer): an activation is not finite; is an adapter damaged?")
            }
            return RouterRegression(inputs: inputs[layer], shares: shares[layer], experts: count).fit(
                from: start[layer], ridge: settings.ridge)
        }
        progress.show(fraction: 1)
        Terminal.endProgress()
        rows = fits.map(\.rows)
        tokens = sample.count
        before = fits.reduce(0) { $0 + $1.before } / Double(fits.count)
        after = fits.reduce(0) { $0 + $1.after } / Double(fits.count)
    }

    /// By layer, [tokens, E].
    private static func shares(
        _ documents: [[Int32]], _ sample: TokenSample, _ trunk: LoadedModel, _ bank: RoutedExpertBank,
        _ adapters: [AdapterFolder], _ settings: Settings
    ) throws -> [[Float]] {
        let groups = FusedRouters.groups(of: trunk)
        let makers = try groups.map { group in
            func vectors(_ linear: Int) -> [[Float]?] {
                adapters.map { $0.gates?.vector(at: group.linears[linear].site)?.floats() }
            }
            return try FusedShares(
                gate: vectors(0), up: vectors(1), width: group.inputs, topK: settings.topK, kind: settings.kind)
        }
        let layers = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1.index, $0) })
        var shares = [[Float]](repeating: [], count: groups.count)
        var first = 0
        let visitor = InputVisitor(groups: Set(layers.keys), inner: bank) { group, origin, input in
            guard let layer = layers[group], sample.holds(first, Int(origin.position)) else { return }
            shares[layer] += makers[layer].shares(of: input)
        }
        let route = RouteRequest(RouteOptions(method: .phatgoose, topK: settings.topK))
        try pass(documents, "PHATGOOSE's routing") { ids in
            _ = try trunk.weights.score(ids, team: trunk.team, bank: visitor, route: route)
            first += ids.count
        }
        return shares
    }

    /// By layer, [tokens, hidden].
    private static func inputs(
        _ documents: [[Int32]], _ sample: TokenSample, _ fused: LoadedModel, layers: Int
    ) throws -> [[Float]] {
        var inputs = [[Float]](repeating: [], count: layers)
        let width = fused.weights.configuration.hiddenSize
        for layer in inputs.indices { inputs[layer].reserveCapacity(sample.count * width) }
        var first = 0
        try pass(documents, "the fused model's inputs") { ids in
            _ = try fused.weights.score(
                ids, team: fused.team,
                observer: { origin, layer, input, _, _ in
                    guard sample.holds(first, Int(origin.position)) else { return }
                    for index in 0..<input.count { inputs[layer].append(input[index]) }
                })
            first += ids.count
        }
        return inputs
    }

    private static func pass(_ documents: [[Int32]], _ what: String, _ body: ([Int32]) throws -> Void) throws {
        let progress = ThrottledProgress("\(what) on \(documents.count) documents")
        for (index, ids) in documents.enumerated() {
            try body(ids)
            progress.show(fraction: Double(index + 1) / Double(documents.count))
        }
        Terminal.endProgress()
    }
}

/// Which tokens of some documents are learned from: every so many-th, but for the first of a document, whose input is the same everywhere.
private struct TokenSample {
    let count: Int
    private let interval: Int

    init(_ documents: [[Int32]], tokensMax: Int) {
        let all = documents.reduce(0) { $0 + $1.count }
        let interval = (all + tokensMax - 1) / tokensMax
        self.interval = interval
        var first = 0
        count = documents.reduce(0) { sum, ids in
            defer { first += ids.count }
            return sum + ids.indices.count { $0 > 0 && (first + $0) % interval == 0 }
        }
    }

    /// - Parameter first: tokens of the documents before.
    func holds(_ first: Int, _ position: Int) -> Bool { position > 0 && (first + position) % interval == 0 }
}

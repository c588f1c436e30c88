import Weights

/// One tensor of a run, at `offset` of the flat buffer.
package struct Parameter: Sendable, Equatable {
    package let name: String
    package let shape: [Int]
    package let offset: Int

    package var count: Int { shape.reduce(1, *) }
}

/// A LoRA pair in the flat buffer: A: [rank, inputs] at `down`, B: [outputs, rank] at `up`, s beside B A.
struct PairPlace: Sendable {
    let rank: Int
    let inputs: Int
    let outputs: Int
    let scale: Float
    let down: Int
    let up: Int
}

/// What a run adds to the trunk, frozen or trained: LoRA pairs, gates, new vocabulary rows. One flat buffer holds them, the
/// trained ones first, so that a gradient, an optimiser's moments and a checkpoint are flat buffers too.
package final class Parameters: Sendable {
    package let entries: [Parameter]
    /// Floats at the front that are trained.
    package let trainedCount: Int
    let values: FloatRows
    /// By layer and `Site.rawValue`.
    let pairs: [[PairPlace?]]
    /// Offsets of the gate vectors, [inputs] each, likewise.
    let gates: [[Int?]]
    /// New rows of the embedding, ids from the trunk's vocabulary size on.
    let newRows: Int
    /// Offsets of [newRows, hidden] of the embedding and of the head; equal where they are tied.
    let embeddingRows: Int
    let headRows: Int
    /// Whether the new rows' gradient goes down to where they are read, or ends where they are predicted.
    let rowsLearnWhereRead: Bool

    package init(_ plan: ParameterPlan, for configuration: ModelConfiguration) {
        var layout = Layout(plan: plan, configuration: configuration)
        if plan.trained.contains(.rows) { layout.placeRows() }
        if plan.trained.contains(.pairs) { layout.placePairs() }
        if plan.trained.contains(.gates) { layout.placeGates() }
        trainedCount = layout.end
        if !plan.trained.contains(.rows) { layout.placeRows() }
        if !plan.trained.contains(.pairs) { layout.placePairs() }
        if !plan.trained.contains(.gates) { layout.placeGates() }
        entries = layout.entries
        pairs = layout.pairs
        gates = layout.gates
        newRows = plan.newRows
        rowsLearnWhereRead = plan.rowsLearnWhereRead
        embeddingRows = layout.embeddingRows
        headRows = layout.headRows
        values = FloatRows(1, max(layout.end, 1))
    }

    package subscript(name: String) -> [Float]? {
        get {
            guard let entry = entries.first(where: { $0.name == name }) else { return nil }
            return Array(UnsafeBufferPointer(start: values.base + entry.offset, count: entry.count))
        }
    }

    /// Between two passes only.
    package func set(_ entry: Parameter, to new: [Float]) {
        precondition(new.count == entry.count, "\(entry.name): \(new.count) values for \(entry.shape)")
        new.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { (values.base + entry.offset).update(from: start, count: new.count) }
        }
    }

    package func array(of entry: Parameter) -> [Float] {
        Array(UnsafeBufferPointer(start: values.base + entry.offset, count: entry.count))
    }

    func isTrained(_ offset: Int) -> Bool { offset < trainedCount }

    func view(_ offset: Int, rows: Int, columns: Int) -> FloatView {
        FloatView(base: values.base + offset, rows: rows, columns: columns, stride: columns)
    }
}

/// Which parameters a run has, and which of them it trains.
package struct ParameterPlan: Sendable {
    package enum Kind: Sendable { case pairs, gates, rows }

    /// The sites with a pair (and, with `hasGates`, a gate), in every layer of `layers`.
    package var sites: Set<Site>
    /// nil: all.
    package var layers: Set<Int>?
    package var rank: Int
    /// s beside B A.
    package var scale: Float
    package var hasGates: Bool
    package var newRows: Int
    package var trained: Set<Kind>

    package init(
        sites: Set<Site> = [], layers: Set<Int>? = nil, rank: Int = 1, scale: Float = 1, hasGates: Bool = false,
        newRows: Int = 0, trained: Set<Kind>
    ) {
        self.sites = sites
        self.layers = layers
        self.rank = rank
        self.scale = scale
        self.hasGates = hasGates
        self.newRows = newRows
        self.trained = trained
    }

    /// With a choice of layers the gradient ends at the lowest of them: a new row then learns where it is predicted, and not where it is
    /// read, which lies below all layers.
    package var rowsLearnWhereRead: Bool { layers == nil }

    /// Whether a layer has pairs and gates.
    func hasPairs(in layer: Int) -> Bool { layers?.contains(layer) ?? true }
}

/// How tensors are called on disk, PEFT's names for pairs.
package enum ParameterName {
    package static let embedding = "embed_tokens.new_rows"
    package static let head = "lm_head.new_rows"
    package static func down(_ site: String) -> String { "base_model.model.\(site).lora_A.weight" }
    package static func up(_ site: String) -> String { "base_model.model.\(site).lora_B.weight" }
    package static func gate(_ site: String) -> String { "base_model.model.\(site).phatgoose_gate.weight" }
}

private struct Layout {
    let plan: ParameterPlan
    let configuration: ModelConfiguration
    var entries: [Parameter] = []
    var end = 0
    var pairs: [[PairPlace?]]
    var gates: [[Int?]]
    var embeddingRows = 0
    var headRows = 0

    init(plan: ParameterPlan, configuration: ModelConfiguration) {
        self.plan = plan
        self.configuration = configuration
        let empty = [PairPlace?](repeating: nil, count: Site.allCases.count)
        pairs = Array(repeating: empty, count: configuration.layerCount)
        gates = Array(repeating: [Int?](repeating: nil, count: Site.allCases.count), count: configuration.layerCount)
    }

    private mutating func place(_ name: String, _ shape: [Int]) -> Int {
        let entry = Parameter(name: name, shape: shape, offset: end)
        entries.append(entry)
        end += entry.count
        return entry.offset
    }

    mutating func placeRows() {
        guard plan.newRows > 0 else { return }
        embeddingRows = place(ParameterName.embedding, [plan.newRows, configuration.hiddenSize])
        headRows =
            configuration.tiedEmbeddings
            ? embeddingRows : place(ParameterName.head, [plan.newRows, configuration.hiddenSize])
    }

    mutating func placePairs() {
        for layer in 0..<configuration.layerCount where plan.hasPairs(in: layer) {
            for site in Site.allCases where plan.sites.contains(site) {
                let (outputs, inputs) = configuration.shape(of: site)
                let path = site.path(layer: layer)
                let down = place(ParameterName.down(path), [plan.rank, inputs])
                let up = place(ParameterName.up(path), [outputs, plan.rank])
                pairs[layer][site.rawValue] = PairPlace(
                    rank: plan.rank, inputs: inputs, outputs: outputs, scale: plan.scale, down: down, up: up)
            }
        }
    }

    mutating func placeGates() {
        guard plan.hasGates else { return }
        for layer in 0..<configuration.layerCount where plan.hasPairs(in: layer) {
            for site in Site.allCases where plan.sites.contains(site) {
                gates[layer][site.rawValue] = place(
                    ParameterName.gate(site.path(layer: layer)), [configuration.shape(of: site).inputs])
            }
        }
    }
}

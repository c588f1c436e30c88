import Gating
import Kernels
import Weights

/// Computes logits for batches: the model's weights, the buffers between them, and the expert bank beside them.
///
/// Owned by one thread. Everything is allocated at init; a layer's dispatches are prepared there too.
final class ForwardPass {
    let model: LanguageModel
    let context: ComputeContext
    /// [wantedMax, vocabulary]: the last batch's logits.
    let logits: RowBuffer
    let buffers: ForwardBuffers
    private let layers: [PreparedLayer]
    /// The last layer for all rows instead of those wanted: whoever competes for slots there has to be there. nil without a capacity.
    private let wholeLast: PreparedLayer?
    private let head: PreparedGroup
    /// [1, hidden]
    private let finalNorm: RowBuffer
    private let rotary: (cosines: RowBuffer, sines: RowBuffer)
    private let bank: (any ExpertBank)?
    /// nil where the model has no mixture layers.
    private let mixtures: MixturePass?
    /// Sequences whose experts gave no answer in this batch, and why.
    private(set) var failures: [SequenceID: String] = [:]
    private var wantedOrigins: [RowOrigin] = []

    /// - Parameters:
    ///   - rowsMax: rows of a batch.
    ///   - wantedMax: rows of a batch whose logits are wanted.
    ///   - positionsMax: positions of a sequence.
    ///   - capacity: of experts, over the prompts of a batch.
    ///   - experts: where rows of mixture layers' experts come from; nil: this process.
    init(
        model: LanguageModel, context: ComputeContext, rowsMax: Int, wantedMax: Int, positionsMax: Int,
        bank: (any ExpertBank)?, capacity: CapacityMode = .dropless, experts: (any MixtureRowSource)? = nil,
        onMissing: OnMissing = .fail,
        observer: MixtureObserver? = nil
    ) {
        self.model = model
        self.context = context
        self.bank = bank
        logits = RowBuffer(rowsMax: wantedMax, width: model.vocabularySize)
        buffers = ForwardBuffers(model.configuration, rowsMax: rowsMax, wantedMax: wantedMax)
        let mostRows = max(rowsMax, wantedMax)
        mixtures = model.configuration.mixture.map { mixture in
            let source =
                experts
                ?? LocalMixtureRows(
                    model: model, team: context.team, instructionSet: context.instructionSet,
                    rowsMax: mostRows)
            return MixturePass(
                model, mixture, rowsMax: mostRows, capacity: capacity, source: source, onMissing: onMissing)
        }
        mixtures?.observer = observer
        rotary = RotaryTable(model.configuration, positions: positionsMax).buffers()
        finalNorm = RowBuffer(copying: model.finalNorm)
        let last = model.layers.count - 1
        layers = model.layers.enumerated().map { [buffers] index, layer in
            PreparedLayer(layer, buffers, tail: index == last ? buffers.wanted : buffers.all, bank: bank)
        }
        let isWhole = capacity != .dropless && model.layers[last].mixture != nil
        wholeLast =
            isWhole ? PreparedLayer(model.layers[last], buffers, tail: buffers.all, bank: bank) : nil
        head = PreparedGroup(
            model.head, input: buffers.normed.columns, outputs: model.logitColumns(of: logits), bank: bank)
    }

    /// Fills `logits` rows 0 ..< batch.wanted.count, and the cache for every row.
    func run(_ batch: borrowing Batch, cache: KeyValuePages) {
        failures.removeAll(keepingCapacity: true)
        let plan = AttentionPlan(batch.runs)
        bank?.prepare(batch.origins)
        embed(batch.tokens)
        for index in 0..<layers.count - 1 {
            attend(layers[index], index, batch.origins, plan, cache)
            feed(layers[index], batch.origins, batch.prompts)
        }
        if let wholeLast, !batch.prompts.isEmpty { return runWhole(wholeLast, batch, plan, cache) }
        runLast(batch, plan, cache)
    }

    /// What mixture layers chose so far; nil where the model has none.
    var mixtureCounts: MixtureCounts? { mixtures?.counts }
    var countsMixtures: Bool {
        get { mixtures?.countsChoices ?? true }
        set { mixtures?.countsChoices = newValue }
    }
    func takeMixtureCounts() -> MixtureCounts? { mixtures?.takeCounts() }

    private func runWhole(
        _ layer: PreparedLayer, _ batch: borrowing Batch, _ plan: AttentionPlan, _ cache: KeyValuePages
    ) {
        attend(layer, layers.count - 1, batch.origins, plan, cache)
        feed(layer, batch.origins, batch.prompts)
        guard !batch.wanted.isEmpty else { return }
        gatherWanted(batch) { row, source in
            buffers.wanted.hidden.copyRow(row, from: buffers.all.hidden, row: source)
        }
        finish(rows: batch.wanted.count)
    }

    private func gatherWanted(_ batch: borrowing Batch, copy: (_ row: Int, _ source: Int) -> Void) {
        wantedOrigins.removeAll(keepingCapacity: true)
        for (row, source) in batch.wanted.enumerated() {
            copy(row, source)
            wantedOrigins.append(batch.origins[source])
        }
        bank?.narrow(wantedOrigins)
    }

    /// logits = W_head norm(hidden) of the wanted rows.
    private func finish(rows: Int) {
        norm(buffers.wanted, finalNorm, rows: rows)
        apply(head, wantedOrigins)
    }
    /// What a sequence went without since it was last asked, by expert of a mixture layer.
    func takeMissing(_ sequence: SequenceID) -> [String: UInt64] { mixtures?.takeMissing(sequence) ?? [:] }
    /// What a capacity dropped of a sequence's prompt since it was last asked, by mixture layer.
    func takeDrops(_ sequence: SequenceID) -> [Int: DropTally] { mixtures?.takeDrops(sequence) ?? [:] }

    /// In the last layer only keys, values and what the wanted logits need are left to compute.
    private func runLast(_ batch: borrowing Batch, _ plan: AttentionPlan, _ cache: KeyValuePages) {
        let index = layers.count - 1
        let layer = layers[index]
        queryKeyValue(layer, index, batch.origins, plan, cache)
        guard !batch.wanted.isEmpty else { return }
        attention(index, plan, cache)
        gatherWanted(batch) { row, source in
            buffers.wanted.hidden.copyRow(row, from: buffers.all.hidden, row: source)
            buffers.wanted.attended.copyRow(row, from: buffers.all.attended, row: source)
        }
        feed(layer, wantedOrigins, [])
        finish(rows: batch.wanted.count)
    }

    /// hidden = embedding rows.
    private func embed(_ tokens: [Int32]) {
        let embedding = model.embedding
        for (row, token) in tokens.enumerated() {
            buffers.all.hidden.withMutableRow(row) { values in
                if let functional = model.functional, Int(token) >= model.configuration.vocabularySize {
                    functional.copyEmbedding(Int(token) - model.configuration.vocabularySize, into: &values)
                } else {
                    embedding.dequantise(row: Int(token), into: &values)
                }
            }
        }
    }

    /// attended = attention(rope(W_q n), rope(W_k n), W_v n), n = norm(hidden).
    private func attend(
        _ layer: PreparedLayer, _ index: Int, _ origins: [RowOrigin], _ plan: AttentionPlan, _ cache: KeyValuePages
    ) {
        queryKeyValue(layer, index, origins, plan, cache)
        attention(index, plan, cache)
    }

    private func queryKeyValue(
        _ layer: PreparedLayer, _ index: Int, _ origins: [RowOrigin], _ plan: AttentionPlan, _ cache: KeyValuePages
    ) {
        norm(buffers.all, layer.inputNorm, rows: origins.count)
        apply(layer.queryKeyValue, origins)
        prepareForRotation(layer, rows: origins.count)
        context.rotateHalf(
            buffers.queriesAndKeys, positions: plan.positions, headDim: model.configuration.headDimension,
            cosines: rotary.cosines, sines: rotary.sines)
        context.append(keys: buffers.keys, values: buffers.values, plan: plan, to: cache, layer: index)
    }

    private func attention(_ index: Int, _ plan: AttentionPlan, _ cache: KeyValuePages) {
        context.attention(
            queries: buffers.queries, plan: plan, pages: cache, layer: index, scale: buffers.attentionScale,
            into: buffers.all.attended.columns)
    }

    /// hidden += W_o attended; hidden += W_down (silu(W_gate m) · W_up m), or what the mixture makes of m; m = norm(hidden).
    private func feed(_ layer: PreparedLayer, _ origins: [RowOrigin], _ prompts: [PromptRows]) {
        apply(layer.attentionOutput, origins)
        norm(layer.tail, layer.postAttentionNorm, rows: origins.count)
        switch layer.feedForward {
        case .dense(let dense): feed(dense, origins)
        case .mixture(let mixture):
            mixtures?.run(
                mixture, buffers.normed.columns, origins, prompts: prompts, addTo: layer.tail.hidden,
                context
            ) {
                if failures[$0] == nil { failures[$0] = $1 }
            }
        }
        guard let extra = layer.extra else { return }
        norm(layer.tail, extra.norm, rows: origins.count)
        feed(extra.dense, origins)
    }

    private func feed(_ dense: PreparedDense, _ origins: [RowOrigin]) {
        apply(dense.gateUp, origins)
        buffers.gated.activate(rows: origins.count, context)
        apply(dense.down, origins)
    }

    private func norm(_ residual: ResidualBuffers, _ weight: RowBuffer, rows: Int) {
        context.rmsNorm(
            residual.hidden.columns, rows: rows, weight: weight.columns,
            epsilon: model.configuration.rmsNormEpsilon, into: buffers.normed.columns)
    }

    /// The seam: the experts start, the trunk multiplies, the experts' part is added.
    private func apply(_ group: PreparedGroup, _ origins: [RowOrigin]) {
        guard let bank = group.bank else { return group.multiply(on: context, rows: origins.count) }
        let ticket = bank.begin(group.group, input: group.input, origins: origins)
        group.multiply(on: context, rows: origins.count, and: ticket.gates)
        do throws(ExpertBankError) {
            try bank.collect(ticket, into: group.outputs)
        } catch {
            for sequence in error.sequences where failures[sequence] == nil { failures[sequence] = error.message }
        }
    }
}

import Gating
import Kernels
import Weights

/// Called with a token's normed input x, [hidden], its router logits, [E], and what it gets at a layer, before the experts compute.
package typealias MixtureObserver = (
    RowOrigin, _ layer: Int, _ input: Span<Float>, _ logits: Span<Float>, LayerChoice
) -> Void

/// Computes mixture layers of one model for batches; owned by a `ForwardPass`.
final class MixturePass {
    var observer: MixtureObserver?
    var countsChoices = true
    private(set) var counts: MixtureCounts
    private let capacity: CapacityMode
    private let onMissing: OnMissing
    /// By item: the routing's, without those of experts that nobody answered for.
    private var weights: [Float] = []
    /// Rows that went without, by expert.
    private var missing: [SequenceID: [String: UInt64]] = [:]
    /// Of the sequences' own prompts, by layer.
    private var drops: [SequenceID: [Int: DropTally]] = [:]
    private let topK: Int
    private let source: any MixtureRowSource
    private let hidden: Int
    /// W x of the router, [rows, E].
    private let logits: RowBuffer
    /// FFN_e(x) by item, [rows · k, hidden].
    private let results: RowBuffer
    /// Σ_e w_e FFN_e(x), [rows, hidden].
    private let sums: RowBuffer
    private let shared: SharedBuffers?
    private var routing = MixtureRouting()
    private var choices: [LayerChoice] = []

    private struct SharedBuffers {
        let gated: GatedColumns
        /// [rows, hidden]
        let outputs: RowBuffer
        /// W_s x, [rows, 1]
        let scores: RowBuffer
    }

    init(
        _ model: LanguageModel, _ mixture: MixtureConfiguration, rowsMax: Int, capacity: CapacityMode,
        source: any MixtureRowSource, onMissing: OnMissing
    ) {
        self.source = source
        self.capacity = capacity
        self.onMissing = onMissing
        topK = mixture.topK
        counts = MixtureCounts(model, topK: mixture.topK)
        let configuration = model.configuration
        hidden = configuration.hiddenSize
        logits = RowBuffer(rowsMax: rowsMax, width: mixture.expertCount)
        results = RowBuffer(rowsMax: rowsMax * mixture.topK, width: hidden)
        sums = RowBuffer(rowsMax: rowsMax, width: hidden)
        shared = mixture.sharedWidth.map {
            SharedBuffers(
                gated: GatedColumns(rowsMax: rowsMax, width: $0, activation: configuration.activation),
                outputs: RowBuffer(rowsMax: rowsMax, width: configuration.hiddenSize),
                scores: RowBuffer(rowsMax: rowsMax, width: 1))
        }
    }

    /// residual += y(x) for each row of x, [rows, hidden]. `fail` is called for sequences with a row that cannot be computed.
    /// - Parameter prompts: whose choices compete for an expert's slots, where there is a capacity.
    func run(
        _ layer: MixtureLayer, _ x: Columns, _ origins: [RowOrigin], prompts: [PromptRows] = [],
        addTo residual: RowBuffer, _ context: ComputeContext, fail: (SequenceID, String) -> Void
    ) {
        choose(layer, x, origins, context, fail)
        for prompt in prompts {
            let sequence = origins[prompt.rows.lowerBound].sequence
            drop(layer, prompt, sequence) { fail(sequence, $0) }
        }
        removeSkips(layer)
        routing.fill(layer: layer.layer, choices, experts: layer.experts.count)
        source.begin(routing, input: x)
        computeShared(layer, x, rows: origins.count, context)
        weights = routing.weights
        goWithout(source.collect(routing, into: results), origins, fail)
        sum(rows: origins.count)
        addShared(layer, rows: origins.count)
        context.add(residual.columns, sums.columns, rows: origins.count, into: residual.columns)
    }

    func takeCounts() -> MixtureCounts { counts.take() }

    private func choose(
        _ layer: MixtureLayer, _ x: Columns, _ origins: [RowOrigin], _ context: ComputeContext,
        _ fail: (SequenceID, String) -> Void
    ) {
        context.multiply(x, rows: origins.count, by: layer.router, into: logits.columns)
        choices.removeAll(keepingCapacity: true)
        for row in origins.indices {
            do throws(LayerGateError) {
                let choice = try logits.withRow(row) { logits throws(LayerGateError) in
                    let choice = try layer.gate.choose(logits)
                    if let observer {
                        x.buffer.withRow(row) { values in
                            let input = values.extracting(x.first..<x.first + hidden)
                            observer(origins[row], layer.layer, input, logits, choice)
                        }
                    }
                    if countsChoices { counts.add(choice, logits: logits, layer: layer.layer) }
                    return choice
                }
                choices.append(choice)
            } catch {
                fail(origins[row].sequence, "the router of layer \(layer.layer): \(error.field) \(error.problem)")
                choices.append(LayerChoice(experts: [], weights: []))
            }
        }
    }

    /// What finds no slot adds zero; a prompt competes with itself alone (P1).
    private func drop(
        _ layer: MixtureLayer, _ prompt: PromptRows, _ sequence: SequenceID, fail: (String) -> Void
    ) {
        do throws(LayerGateError) {
            let tokens = prompt.rows.count
            let slots = try capacity.slots(tokens: tokens, experts: layer.experts.count, topK: topK)
            let own = Array(choices[prompt.rows])
            let plan = CapacityPlan(own, experts: layer.experts.count, slots: slots)
            counts.add(plan, tokens: tokens, layer: layer.layer)
            var tally = DropTally(topK: topK)
            tally.add(plan, tokens: tokens)
            drops[sequence, default: [:]][layer.layer] = tally
            choices.replaceSubrange(prompt.rows, with: plan.kept(of: own))
        } catch { fail("layer \(layer.layer): \(error.field) \(error.problem)") }
    }

    /// An expert that computes nothing adds zero for its weight: nobody is asked for its rows.
    private func removeSkips(_ layer: MixtureLayer) {
        guard layer.costs.contains(0) else { return }
        for row in choices.indices {
            let choice = choices[row]
            let kept = choice.experts.indices.filter { layer.costs[Int(choice.experts[$0])] > 0 }
            guard kept.count < choice.experts.count else { continue }
            choices[row] = LayerChoice(
                experts: kept.map { choice.experts[$0] }, weights: kept.map { choice.weights[$0] })
        }
    }

    /// Groups ascend by expert, so every row adds its experts in ascending id.
    private func sum(rows: Int) {
        for row in 0..<rows {
            sums.withMutableRow(row) { sum in
                for column in 0..<hidden { sum[column] = 0 }
            }
        }
        for item in routing.rows.indices where weights[item] != 0 {
            add(weights[item], results, item, toSum: Int(routing.rows[item]))
        }
    }

    private func add(_ weight: Float, _ buffer: RowBuffer, _ source: Int, toSum row: Int) {
        sums.withMutableRow(row) { sum in
            buffer.withRow(source) { values in
                for column in 0..<hidden { sum[column] += weight * values[column] }
            }
        }
    }
}

extension MixturePass {
    private func computeShared(_ layer: MixtureLayer, _ x: Columns, rows: Int, _ context: ComputeContext) {
        guard let shared, let expert = layer.shared else { return }
        context.multiply(x, rows: rows, by: expert.weigher, into: shared.scores.columns)
        expert.feedForward.multiply(x, rows: rows, shared.gated, into: shared.outputs.columns, context)
    }

    private func addShared(_ layer: MixtureLayer, rows: Int) {
        guard let shared, layer.shared != nil else { return }
        for row in 0..<rows {
            let score = shared.scores.withRow(row) { $0[0] }
            add(LayerGate.sigmoid(score), shared.outputs, row, toSum: row)
        }
    }
}

// Experts that nobody answers for.
extension MixturePass {
    /// What a sequence went without since it was last asked, by expert.
    func takeMissing(_ sequence: SequenceID) -> [String: UInt64] { missing.removeValue(forKey: sequence) ?? [:] }

    /// What a capacity dropped of a sequence's prompt since it was last asked, by layer.
    func takeDrops(_ sequence: SequenceID) -> [Int: DropTally] { drops.removeValue(forKey: sequence) ?? [:] }

    /// `fail` ends the sequences; `trunkOnly` leaves the experts' shares out; `renormalise` gives them to the token's others:
    /// w_e Σ_all w / Σ_present w.
    private func goWithout(
        _ groups: [MissingGroup], _ origins: [RowOrigin], _ fail: (SequenceID, String) -> Void
    ) {
        guard !groups.isEmpty else { return }
        for missing in groups {
            let group = routing.groups[missing.group]
            let name = MixtureCell(layer: routing.layer, expert: group.expert).description
            for item in group.first..<group.first + group.count {
                weights[item] = 0
                let sequence = origins[Int(routing.rows[item])].sequence
                if onMissing == .fail { fail(sequence, missing.message) }
                self.missing[sequence, default: [:]][name, default: 0] += 1
            }
        }
        if onMissing == .renormalise { renormalise(rows: origins.count) }
    }

    private func renormalise(rows: Int) {
        var all = [Float](repeating: 0, count: rows)
        var present = all
        for item in routing.rows.indices {
            all[Int(routing.rows[item])] += routing.weights[item]
            present[Int(routing.rows[item])] += weights[item]
        }
        for item in routing.rows.indices {
            let row = Int(routing.rows[item])
            if present[row] > 0, present[row] != all[row] { weights[item] *= all[row] / present[row] }
        }
    }
}

import Kernels

/// A site group with its operands, made once so that a step allocates nothing for it.
struct PreparedGroup {
    let group: SiteGroup
    let input: Columns
    /// One per linear of the group.
    let outputs: [Columns]
    /// nil where the bank adds nothing.
    let bank: (any ExpertBank)?
    private let products: [Product]
    /// Biases, [1, outputs] each; nil without.
    private let biases: [(row: RowBuffer, output: Columns)]

    /// - Parameter accumulate: whether the products are added to the outputs (the residual stream) or replace them.
    init(
        _ group: SiteGroup, input: Columns, outputs: [Columns], accumulate: Bool = false, bank: (any ExpertBank)?
    ) {
        self.group = group
        self.input = input
        self.outputs = outputs
        self.bank = bank?.serves(group) == true ? bank : nil
        products = zip(group.linears, outputs).map { linear, output in
            Product(linear.base, into: output, accumulate: accumulate || linear.bias != nil)
        }
        biases = zip(group.linears, outputs).compactMap { linear, output in
            linear.bias.map { (RowBuffer(copying: $0), output) }
        }
        precondition(
            biases.isEmpty || !accumulate || biases.count == 1, "a residual product has one linear at most")
        residual = accumulate
    }

    private let residual: Bool

    /// outputs (+)= W x + b, in one dispatch. The bias is there first and the product is added to it: one rounding, whichever
    /// comes first.
    ///
    /// - Parameter gates: multiplied by in the same dispatch.
    func multiply(on context: ComputeContext, rows: Int, and gates: [GateProduct] = []) {
        for (bias, output) in biases { addBias(bias, output, rows) }
        context.multiply(input, rows: rows, by: products, and: gates)
    }

    private func addBias(_ bias: RowBuffer, _ output: Columns, _ rows: Int) {
        let columns = output.first..<output.first + output.width
        for row in 0..<rows {
            output.buffer.withMutableRow(row) { target in
                bias.withRow(0) { values in
                    for column in columns {
                        let value = values[column - columns.lowerBound]
                        target[column] = residual ? target[column] + value : value
                    }
                }
            }
        }
    }
}

/// One block with its operands.
struct PreparedLayer {
    /// [1, hidden]
    let inputNorm: RowBuffer
    let postAttentionNorm: RowBuffer
    let queryKeyValue: PreparedGroup
    let attentionOutput: PreparedGroup
    let feedForward: PreparedFeedForward
    /// After a mixture: norm [1, hidden], feed-forward; nil where the model has none.
    let extra: (norm: RowBuffer, dense: PreparedDense)?
    /// [1, d] or [1, heads · d]; nil where the model has none.
    let queryNorm: RowBuffer?
    let keyNorm: RowBuffer?
    /// Where the residual stream is after attention.
    let tail: ResidualBuffers

    init(_ layer: DecoderLayer, _ buffers: ForwardBuffers, tail: ResidualBuffers, bank: (any ExpertBank)?) {
        self.tail = tail
        inputNorm = RowBuffer(copying: layer.inputNorm)
        postAttentionNorm = RowBuffer(copying: layer.postAttentionNorm)
        let normed = buffers.normed.columns
        queryKeyValue = PreparedGroup(
            layer.queryKeyValue, input: normed, outputs: [buffers.queries, buffers.keys, buffers.values], bank: bank)
        attentionOutput = PreparedGroup(
            layer.attentionOutput, input: tail.attended.columns, outputs: [tail.hidden.columns], accumulate: true,
            bank: bank)
        queryNorm = layer.queryNorm.map(RowBuffer.init(copying:))
        keyNorm = layer.keyNorm.map(RowBuffer.init(copying:))
        switch layer.feedForward {
        case .mixture(let mixture): feedForward = .mixture(mixture)
        case .dense(let gateUp, let down):
            feedForward = .dense(PreparedDense(gateUp, down, buffers, tail: tail, bank: bank))
        }
        extra = layer.extra.map { extra in
            (RowBuffer(copying: extra.norm), PreparedDense(extra.gateUp, extra.down, buffers, tail: tail, bank: bank))
        }
    }
}

enum PreparedFeedForward {
    case dense(PreparedDense)
    case mixture(MixtureLayer)
}

struct PreparedDense {
    let gateUp: PreparedGroup
    let down: PreparedGroup

    init(
        _ gateUp: SiteGroup, _ down: SiteGroup, _ buffers: ForwardBuffers, tail: ResidualBuffers,
        bank: (any ExpertBank)?
    ) {
        self.gateUp = PreparedGroup(
            gateUp, input: buffers.normed.columns, outputs: [buffers.gated.gate, buffers.gated.up], bank: bank)
        self.down = PreparedGroup(
            down, input: buffers.gated.result, outputs: [tail.hidden.columns], accumulate: true, bank: bank)
    }
}

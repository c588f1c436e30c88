/// The matrices of one layer's experts, whatever the layout of the checkpoint:
///
/// - one tensor per expert: `mlp.experts.N.gate_proj` (Qwen, OLMoE), `block_sparse_moe.experts.N.w1` (Mixtral);
/// - fused, as transformers 5 has them in memory: `mlp.experts.gate_up_proj` [E, 2F, H] and `down_proj` [E, H, F];
/// - one stack per matrix, as GGUF has them: `mlp.experts.gate_proj.weight` [E, F, H], and so on;
/// - OpenMoE's stacks, with inputs before outputs: `mlp.experts.wi_gate` [E, H, 2F], `wi_up` [E, H, F], `wo` [E, F, H].
package struct MixtureTensors: Sendable {
    /// W of the router, [E, H].
    package let router: TensorView
    /// By expert: gate and up [F, H], down [H, F]; nil for one that computes nothing.
    package let experts: [MixtureExpert?]
    package let shared: MixtureShared?

    /// Throws for a layer that lacks an expert, has more than the configuration says, or has one of another shape.
    package init(_ checkpoint: Checkpoint, layer: Int) throws(WeightsError) {
        guard let mixture = checkpoint.configuration.mixture, mixture.contains(layer: layer) else {
            throw WeightsError(
                .inconsistent, file: checkpoint.path, field: "layer \(layer)", "is not a mixture of experts")
        }
        let reader = MixtureReader(checkpoint: checkpoint, mixture: mixture, prefix: "model.layers.\(layer)")
        router = try reader.router()
        experts = try reader.experts().enumerated().map { mixture.width(ofExpert: $0) > 0 ? $1 : nil }
        shared = try mixture.sharedWidth.map { width throws(WeightsError) in try reader.shared(width) }
    }
}

/// FFN(x) = W_down (silu(W_gate x) · W_up x). F may be an expert's own.
package struct MixtureExpert: Sendable {
    package let gate: TensorView
    package let up: TensorView
    package let down: TensorView
    /// The three are [inputs, outputs] instead.
    package var isTransposed = false

    /// Weights that a row is multiplied with.
    package var cost: Int { gate.elementCount + up.elementCount + down.elementCount }
}

/// The expert of every token.
package struct MixtureShared: Sendable {
    package let expert: MixtureExpert
    /// Its weight is the sigmoid of this times x, [1, H].
    package let weigher: TensorView
}

/// Looks under the names of each layout.
private struct MixtureReader {
    let checkpoint: Checkpoint
    let mixture: MixtureConfiguration
    /// `model.layers.N`
    let prefix: String

    private var hidden: Int { checkpoint.configuration.hiddenSize }

    private static let blocks = ["mlp", "block_sparse_moe"]
    private static let spellings = [
        (gate: "gate_proj", up: "up_proj", down: "down_proj"), (gate: "w1", up: "w3", down: "w2"),
    ]

    func router() throws(WeightsError) -> TensorView {
        let names = Self.blocks.map { "\(prefix).\($0).gate.weight" } + ["\(prefix).mlp.gate_weight"]
        guard let name = names.first(where: checkpoint.contains) else {
            throw missing(names[0], "the layer's router is not there")
        }
        let tensor = try checkpoint.tensor(name)
        if tensor.shape.count == 2, tensor.shape[1] == hidden, tensor.shape[0] != mixture.expertCount {
            throw count(name, tensor.shape[0])
        }
        try require(tensor, [mixture.expertCount, hidden])
        return tensor
    }

    /// An expert that computes nothing may have tensors, as other programs want them, or none.
    func experts() throws(WeightsError) -> [MixtureExpert?] {
        for block in Self.blocks {
            let root = "\(prefix).\(block).experts"
            if checkpoint.contains("\(root).wi_gate") { return try transposed(root) }
            if checkpoint.contains("\(root).gate_up_proj") { return try fused(root) }
            if checkpoint.contains("\(root).gate_proj.weight") { return try stacked(root) }
            let first = (0..<mixture.expertCount).first { mixture.width(ofExpert: $0) > 0 } ?? 0
            for names in Self.spellings where checkpoint.contains("\(root).\(first).\(names.gate).weight") {
                return try separate(root, names)
            }
        }
        throw missing("\(prefix).mlp.experts", "no layout of experts that is read here is there")
    }

    func shared(_ width: Int) throws(WeightsError) -> MixtureShared {
        let root = "\(prefix).mlp.shared_expert"
        let expert = MixtureExpert(
            gate: try tensor("\(root).gate_proj.weight", [width, hidden]),
            up: try tensor("\(root).up_proj.weight", [width, hidden]),
            down: try tensor("\(root).down_proj.weight", [hidden, width]))
        let weigher = try checkpoint.tensor("\(root)_gate.weight")
        guard weigher.elementCount == hidden else { throw shape(weigher, [1, hidden]) }
        return MixtureShared(expert: expert, weigher: weigher)
    }

    private func separate(
        _ root: String, _ names: (gate: String, up: String, down: String)
    ) throws(WeightsError) -> [MixtureExpert?] {
        let beyond = "\(root).\(mixture.expertCount).\(names.gate).weight"
        if checkpoint.contains(beyond) {
            throw WeightsError(
                .inconsistent, file: checkpoint.path, field: beyond,
                "is there, but the configuration has \(mixture.expertCount) experts")
        }
        return try (0..<mixture.expertCount).map { expert throws(WeightsError) in
            let width = mixture.width(ofExpert: expert)
            guard width > 0 else { return nil }
            return MixtureExpert(
                gate: try tensor("\(root).\(expert).\(names.gate).weight", [width, hidden]),
                up: try tensor("\(root).\(expert).\(names.up).weight", [width, hidden]),
                down: try tensor("\(root).\(expert).\(names.down).weight", [hidden, width]))
        }
    }

    /// In a stack all experts have one shape.
    private func requireOneWidth(_ name: String) throws(WeightsError) {
        guard let narrow = mixture.expertWidths?.first(where: { $0 != 0 && $0 != mixture.expertWidth })
        else { return }
        throw WeightsError(
            .unsupported, file: checkpoint.path, field: name,
            "is a stack of experts of one width, and the configuration has one of \(narrow); use one tensor per expert"
        )
    }

    private func fused(_ root: String) throws(WeightsError) -> [MixtureExpert] {
        let width = mixture.expertWidth
        let gateUp = try stack("\(root).gate_up_proj", [2 * width, hidden])
        let down = try stack("\(root).down_proj", [hidden, width])
        return (0..<mixture.expertCount).map { expert in
            let name = "\(root).\(expert)"
            let first = expert * 2 * width
            return MixtureExpert(
                gate: gateUp.slice(rows: first..<first + width, named: "\(name).gate_proj.weight"),
                up: gateUp.slice(rows: first + width..<first + 2 * width, named: "\(name).up_proj.weight"),
                down: down.slice(rows: expert * hidden..<(expert + 1) * hidden, named: "\(name).down_proj.weight"))
        }
    }

    private func transposed(_ root: String) throws(WeightsError) -> [MixtureExpert] {
        let (width, gateWidth) = (
            mixture.expertWidth, checkpoint.configuration.activation.gateWidth(mixture.expertWidth)
        )
        let gate = try stack("\(root).wi_gate", [hidden, gateWidth])
        let up = try stack("\(root).wi_up", [hidden, width])
        let down = try stack("\(root).wo", [width, hidden])
        return (0..<mixture.expertCount).map { expert in
            let rows = expert * hidden..<(expert + 1) * hidden
            let name = "\(root).\(expert)"
            return MixtureExpert(
                gate: gate.slice(rows: rows, named: "\(name).wi_gate"),
                up: up.slice(rows: rows, named: "\(name).wi_up"),
                down: down.slice(rows: expert * width..<(expert + 1) * width, named: "\(name).wo"), isTransposed: true)
        }
    }

    private func stacked(_ root: String) throws(WeightsError) -> [MixtureExpert] {
        let width = mixture.expertWidth
        let gate = try stack("\(root).gate_proj.weight", [width, hidden])
        let up = try stack("\(root).up_proj.weight", [width, hidden])
        let down = try stack("\(root).down_proj.weight", [hidden, width])
        return (0..<mixture.expertCount).map { expert in
            let rows = expert * width..<(expert + 1) * width
            let name = "\(root).\(expert)"
            return MixtureExpert(
                gate: gate.slice(rows: rows, named: "\(name).gate_proj.weight"),
                up: up.slice(rows: rows, named: "\(name).up_proj.weight"),
                down: down.slice(rows: expert * hidden..<(expert + 1) * hidden, named: "\(name).down_proj.weight"))
        }
    }
}

extension MixtureReader {
    /// A stack [E] + each.
    private func stack(_ name: String, _ each: [Int]) throws(WeightsError) -> TensorView {
        try requireOneWidth(name)
        let tensor = try checkpoint.tensor(name)
        if tensor.shape.count == 3, Array(tensor.shape[1...]) == each, tensor.shape[0] != mixture.expertCount {
            throw count(name, tensor.shape[0])
        }
        try require(tensor, [mixture.expertCount] + each)
        return tensor
    }

    private func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> TensorView {
        let tensor = try checkpoint.tensor(name)
        try require(tensor, shape)
        return tensor
    }

    private func require(_ tensor: TensorView, _ shape: [Int]) throws(WeightsError) {
        if tensor.shape != shape { throw self.shape(tensor, shape) }
    }

    private func shape(_ tensor: TensorView, _ shape: [Int]) -> WeightsError {
        WeightsError(
            .inconsistent, file: checkpoint.path, field: tensor.name,
            "its shape is \(tensor.shape), the configuration makes it \(shape)")
    }

    private func count(_ name: String, _ found: Int) -> WeightsError {
        WeightsError(
            .inconsistent, file: checkpoint.path, field: name,
            "is for \(found) experts, the configuration has \(mixture.expertCount)")
    }

    private func missing(_ name: String, _ detail: String) -> WeightsError {
        WeightsError(.missing, file: checkpoint.path, field: name, detail)
    }
}

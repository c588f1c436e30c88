import Gating
import Kernels
import Weights

extension LanguageModel {
    /// Packs a checkpoint's weights, in parallel on the team.
    /// - Parameters:
    ///   - elsewhere: the experts of mixture layers that other processes compute; they are not read.
    ///   - progress: called from the team's threads with the fraction done, 0 ... 1.
    package static func load(
        _ checkpoint: Checkpoint, mode: ComputeMode, team: ComputeTeam, elsewhere: Set<MixtureCell> = [],
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) -> LanguageModel {
        let configuration = checkpoint.configuration
        try refuseUnsupported(configuration)
        let jobs = try PackingJob.all(of: checkpoint, elsewhere)
        let packed = try PackingJob.pack(jobs, mode: mode, team: team, progress: progress)
        let source = LinearSource(checkpoint: checkpoint, matrices: packed, elsewhere: elsewhere)
        var layers: [DecoderLayer] = []
        var groups = 0
        for index in 0..<configuration.layerCount {
            let layer = try source.layer(index, firstGroup: groups)
            layers.append(layer)
            groups += layer.groups.count
        }
        let head = Linear(site: "lm_head", base: try source.matrix(PackingJob.headName(of: configuration)))
        return LanguageModel(
            configuration: configuration, mode: mode, embedding: try source.tensor("model.embed_tokens.weight"),
            layers: layers, finalNorm: try source.tensor("model.norm.weight").floats(),
            head: SiteGroup(index: groups, linears: [head]))
    }

    private static func refuseUnsupported(_ configuration: ModelConfiguration) throws(ModelError) {
        guard configuration.headDimension % 16 == 0 else {
            throw .unsupported(
                "attention heads of \(configuration.headDimension) numbers: the kernels need a multiple of 16")
        }
    }
}

/// Finds a layer's parts.
private struct LinearSource {
    let checkpoint: Checkpoint
    let matrices: [String: PackedMatrix]
    let elsewhere: Set<MixtureCell>

    func tensor(_ name: String) throws(ModelError) -> TensorView {
        do throws(WeightsError) { return try checkpoint.tensor(name) } catch { throw .weights(error) }
    }

    func matrix(_ name: String) throws(ModelError) -> PackedMatrix {
        guard let matrix = matrices[name] else { preconditionFailure("\(name) was not packed") }
        return matrix
    }

    func layer(_ index: Int, firstGroup: Int) throws(ModelError) -> DecoderLayer {
        let prefix = "model.layers.\(index)"
        return DecoderLayer(
            inputNorm: try tensor("\(prefix).input_layernorm.weight").floats(),
            queryKeyValue: try group(
                firstGroup, prefix, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
            queryNorm: try norm("\(prefix).self_attn.q_norm.weight"),
            keyNorm: try norm("\(prefix).self_attn.k_norm.weight"),
            attentionOutput: try group(firstGroup + 1, prefix, ["self_attn.o_proj"]),
            postAttentionNorm: try tensor("\(prefix).post_attention_layernorm.weight").floats(),
            feedForward: try feedForward(index, firstGroup + 2, prefix), extra: try extra(index, firstGroup + 2, prefix)
        )
    }

    private func extra(_ layer: Int, _ firstGroup: Int, _ prefix: String) throws(ModelError) -> ExtraFeedForward? {
        guard let mixture = checkpoint.configuration.mixture, mixture.hasExtra, mixture.contains(layer: layer) else {
            return nil
        }
        return ExtraFeedForward(
            norm: try tensor("\(prefix).pre_extra_mlp_layernorm.weight").floats(),
            gateUp: try group(firstGroup, prefix, ["extra_mlp.gate_proj", "extra_mlp.up_proj"]),
            down: try group(firstGroup + 1, prefix, ["extra_mlp.down_proj"]))
    }

    private func norm(_ name: String) throws(ModelError) -> [Float]? {
        checkpoint.configuration.queryKeyNorm == .none ? nil : try tensor(name).floats()
    }

    private func feedForward(_ layer: Int, _ firstGroup: Int, _ prefix: String) throws(ModelError) -> FeedForward {
        guard let mixture = checkpoint.configuration.mixture, mixture.contains(layer: layer) else {
            return .dense(
                gateUp: try group(firstGroup, prefix, ["mlp.gate_proj", "mlp.up_proj"]),
                down: try group(firstGroup + 1, prefix, ["mlp.down_proj"]))
        }
        let tensors: MixtureTensors
        do throws(WeightsError) { tensors = try MixtureTensors(checkpoint, layer: layer) } catch {
            throw .weights(error)
        }
        return .mixture(
            MixtureLayer(
                layer: layer, gate: try gate(mixture), router: try matrix(tensors.router.name),
                costs: tensors.experts.map { $0?.cost ?? 0 },
                experts: try tensors.experts.enumerated().map { index, expert throws(ModelError) in
                    guard let expert, !elsewhere.contains(MixtureCell(layer: layer, expert: index)) else { return nil }
                    return try matrices(expert)
                },
                shared: try tensors.shared.map { shared throws(ModelError) in
                    SharedExpert(
                        feedForward: try matrices(shared.expert), weigher: try matrix(shared.weigher.name))
                }))
    }

    private func matrices(_ expert: MixtureExpert) throws(ModelError) -> FeedForwardMatrices {
        FeedForwardMatrices(
            gate: try matrix(expert.gate.name), up: try matrix(expert.up.name), down: try matrix(expert.down.name))
    }

    /// All families read here take the softmax over all experts; they differ in whether the chosen weights are renormalised.
    private func gate(_ mixture: MixtureConfiguration) throws(ModelError) -> LayerGate {
        do throws(LayerGateError) {
            return try .qwen(
                experts: mixture.expertCount, topK: mixture.topK, normTopKProb: mixture.renormalises)
        } catch { throw .unsupported("\(error)") }
    }

    private func group(_ index: Int, _ prefix: String, _ names: [String]) throws(ModelError) -> SiteGroup {
        let linears = try names.map { name throws(ModelError) in
            let site = "\(prefix).\(name)"
            let bias = checkpoint.contains("\(site).bias") ? try tensor("\(site).bias").floats() : nil
            let base = try matrix("\(site).weight")
            guard bias == nil || bias?.count == base.outputs else {
                throw .unsupported("\(site).bias has \(bias?.count ?? 0) numbers for \(base.outputs) outputs")
            }
            return Linear(site: site, base: base, bias: bias)
        }
        return SiteGroup(index: index, linears: linears)
    }
}

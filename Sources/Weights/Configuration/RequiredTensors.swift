extension ModelConfiguration {
    /// The tensors that a model of this configuration is made of but for its experts (`MixtureTensors`), with their shapes ([outputs, inputs] or [width]).
    package var requiredTensors: [(name: String, shape: [Int])] {
        var result: [(name: String, shape: [Int])] = [
            ("model.embed_tokens.weight", [vocabularySize, hiddenSize]), ("model.norm.weight", [hiddenSize]),
        ]
        if !tiedEmbeddings { result.append(("lm_head.weight", [vocabularySize, hiddenSize])) }
        for layer in 0..<layerCount {
            let isMixture = mixture?.contains(layer: layer) == true
            let dense = isMixture ? mixture?.hasExtra == true ? extraTensors : [] : denseTensors("mlp")
            result += (layerTensors + dense).map { ("model.layers.\(layer).\($0.name)", $0.shape) }
        }
        return result
    }

    private var extraTensors: [(name: String, shape: [Int])] {
        [("pre_extra_mlp_layernorm.weight", [hiddenSize])] + denseTensors("extra_mlp")
    }

    private func denseTensors(_ module: String) -> [(name: String, shape: [Int])] {
        [
            ("\(module).gate_proj.weight", [activation.gateWidth(intermediateSize), hiddenSize]),
            ("\(module).up_proj.weight", [intermediateSize, hiddenSize]),
            ("\(module).down_proj.weight", [hiddenSize, intermediateSize]),
        ]
    }

    private var layerTensors: [(name: String, shape: [Int])] {
        let queries = headCount * headDimension
        let keys = keyValueHeadCount * headDimension
        var result: [(name: String, shape: [Int])] = [
            ("input_layernorm.weight", [hiddenSize]),
            ("self_attn.q_proj.weight", [queries, hiddenSize]), ("self_attn.k_proj.weight", [keys, hiddenSize]),
            ("self_attn.v_proj.weight", [keys, hiddenSize]), ("self_attn.o_proj.weight", [hiddenSize, queries]),
            ("post_attention_layernorm.weight", [hiddenSize]),
        ]
        if hasQueryKeyValueBias {
            result += [
                ("self_attn.q_proj.bias", [queries]), ("self_attn.k_proj.bias", [keys]),
                ("self_attn.v_proj.bias", [keys]),
            ]
        }
        switch queryKeyNorm {
        case .none: break
        case .eachHead:
            result += [("self_attn.q_norm.weight", [headDimension]), ("self_attn.k_norm.weight", [headDimension])]
        case .wholeWidth: result += [("self_attn.q_norm.weight", [queries]), ("self_attn.k_norm.weight", [keys])]
        }
        if hasOutputBias { result.append(("self_attn.o_proj.bias", [hiddenSize])) }
        return result
    }
}

extension ModelConfiguration.Activation {
    /// Outputs of W_gate for an intermediate width of F.
    package func gateWidth(_ width: Int) -> Int { self == .doubledGate ? 2 * width : width }
}

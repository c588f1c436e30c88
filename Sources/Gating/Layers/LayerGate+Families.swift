extension LayerGate {
    /// Softmax over all, top-2 as a rule, renormalised. (transformers: MixtralTopKRouter)
    package static func mixtral(experts: Int, topK: Int) throws(LayerGateError) -> LayerGate {
        try LayerGate(experts: experts, topK: topK, score: .softmax, renormalises: true)
    }

    /// Qwen2-MoE, Qwen3-MoE and OLMoE: softmax over all, renormalised if the configuration's `norm_topk_prob` says so.
    package static func qwen(experts: Int, topK: Int, normTopKProb: Bool) throws(LayerGateError) -> LayerGate {
        try LayerGate(experts: experts, topK: topK, score: .softmax, renormalises: normTopKProb)
    }

    /// Softmax over all in f32; the weights are the raw probabilities. (OpenMoE, arXiv 2402.01739)
    package static func openMoE(experts: Int, topK: Int = 2) throws(LayerGateError) -> LayerGate {
        try LayerGate(experts: experts, topK: topK, score: .softmax)
    }

    /// Softmax over all; with groups ("group_limited_greedy") a group's score is its best expert's. Without renormalisation.
    package static func deepSeekV2(
        experts: Int, topK: Int, scale: Float, groups: (count: Int, kept: Int)? = nil
    ) throws(LayerGateError) -> LayerGate {
        let limited = groups.map { Groups(count: $0.count, kept: $0.kept, score: .max) }
        return try LayerGate(experts: experts, topK: topK, score: .softmax, scale: scale, groups: limited)
    }

    /// Sigmoids; groups and experts are chosen on s + bias, weights come from s. (e_score_correction_bias)
    package static func deepSeekV3(
        experts: Int, topK: Int, scale: Float, groups: (count: Int, kept: Int), bias: [Float], normTopKProb: Bool = true
    ) throws(LayerGateError) -> LayerGate {
        try LayerGate(
            experts: experts, topK: topK, score: .sigmoid, renormalises: normTopKProb, scale: scale,
            groups: Groups(count: groups.count, kept: groups.kept, score: .sumOfTopTwo), choiceBias: bias)
    }

    /// Logits (GPT-OSS adds its router's bias to them before), then the softmax over the k best.
    package static func gptOSS(experts: Int, topK: Int) throws(LayerGateError) -> LayerGate {
        try LayerGate(experts: experts, topK: topK, score: .softmaxOfChosen)
    }

    /// Logits, then the softmax over the k best.
    package static func granite(experts: Int, topK: Int) throws(LayerGateError) -> LayerGate {
        try LayerGate(experts: experts, topK: topK, score: .softmaxOfChosen)
    }
}

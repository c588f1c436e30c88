extension ImportedAdapter {
    /// Reads a LoRA as llama.cpp's convert_lora_to_gguf.py writes it: `<tensor>.lora_a` [rank, inputs] and `.lora_b`
    /// [outputs, rank] under ggml's names, `adapter.lora.alpha`, and rows of B for queries and keys of a llama in the order
    /// of its rotary embedding, which is undone here.
    ///
    /// - Parameter trunk: decides the width of a head, which the file does not say.
    package static func gguf(path: String, trunk: ModelConfiguration) throws(WeightsError) -> ImportedAdapter {
        try gguf(GGUFFile(path: path), trunk: trunk)
    }

    /// Reads a file held in memory; `file` is what errors call it.
    package static func gguf(bytes: [UInt8], file: String, trunk: ModelConfiguration) throws(WeightsError)
        -> ImportedAdapter
    {
        try gguf(GGUFFile(bytes: bytes, file: file), trunk: trunk)
    }

    private static func gguf(_ file: GGUFFile, trunk: ModelConfiguration) throws(WeightsError) -> ImportedAdapter {
        let isLlama = try checkKind(file, trunk)
        let alpha = try alpha(file)
        var pairs: [Pair] = []
        var isHalf = true
        for name in file.tensorNames {
            if name.hasSuffix(".lora_b") {
                guard file.contains(String(name.dropLast(2)) + "_a") else { throw partner(file, name) }
                continue
            }
            guard name.hasSuffix(".lora_a") else {
                throw WeightsError(.unsupported, file: file.path, field: name, "is neither .lora_a nor .lora_b")
            }
            let up = String(name.dropLast(2)) + "_b"
            guard file.contains(up) else { throw partner(file, name) }
            let order: RowOrder =
                isLlama && (name.contains(".attn_q.") || name.contains(".attn_k."))
                ? .interleavedHalves(headDimension: trunk.headDimension) : .stored
            let pair = try pair(file, name, up, order, alpha: alpha)
            let types = [try file.place(name).type, try file.place(up).type]
            isHalf = isHalf && types == [.float16, .float16]
            pairs.append(pair)
        }
        return try ImportedAdapter(pairs: pairs, gates: [:], isHalf: isHalf, file: file.path)
    }

    private static func partner(_ file: GGUFFile, _ name: String) -> WeightsError {
        WeightsError(.missing, file: file.path, field: name, "has no partner")
    }

    /// Whether the file's rows are a llama's.
    private static func checkKind(_ file: GGUFFile, _ trunk: ModelConfiguration) throws(WeightsError) -> Bool {
        for (key, expected) in [("general.type", "adapter"), ("adapter.type", "lora")] {
            let found = try file.metadata.text(key)
            guard found == expected else {
                throw WeightsError(
                    .unsupported, file: file.path, field: key, "is \(found ?? "absent"); a LoRA says \(expected)")
            }
        }
        if file.metadata["adapter.alora.invocation_tokens"] != nil {
            throw WeightsError(
                .unsupported, file: file.path, field: "adapter.alora.invocation_tokens",
                "an activated LoRA (aLoRA) switches itself on by tokens")
        }
        let architecture = try file.metadata.text("general.architecture")
        let expected = trunk.architecture == .qwen2 ? "qwen2" : "llama"
        guard architecture == expected else {
            throw WeightsError(
                .inconsistent, file: file.path, field: "general.architecture",
                "is \(architecture ?? "absent"), the trunk's is \(expected); the adapter was made for another trunk")
        }
        return expected == "llama"
    }

    /// Nil where llama.cpp takes s = 1: without the key, or at 0.
    private static func alpha(_ file: GGUFFile) throws(WeightsError) -> Double? {
        let key = "adapter.lora.alpha"
        guard let alpha = try file.metadata.number(key), alpha != 0 else { return nil }
        guard alpha.magnitude <= Limits.adapterNumberMax else {
            throw WeightsError(.overLimit, file: file.path, field: key, "\(alpha)")
        }
        return alpha
    }

    private static func pair(
        _ file: GGUFFile, _ downName: String, _ upName: String, _ order: RowOrder, alpha: Double?
    ) throws(WeightsError) -> Pair {
        let base = String(downName.dropLast(".lora_a".count))
        let module = GGUFNames.huggingFace(base)
        guard module != base, module.hasSuffix("_proj.weight") else {
            throw WeightsError(
                .unsupported, file: file.path, field: downName, "is not at a linear layer that experts can sit at")
        }
        let (down, up) = (try file.place(downName), try file.place(upName))
        let rank = down.rows
        guard down.shape.count == 2, up.shape.count == 2, up.columns == rank, rank <= Limits.adapterRankMax else {
            throw WeightsError(
                .inconsistent, file: file.path, field: upName,
                "is \(up.shape) beside a down matrix of \(down.shape); expected [outputs, rank] and [rank, inputs]")
        }
        if case .interleavedHalves(let dimension) = order, up.rows % dimension != 0 {
            throw WeightsError(
                .inconsistent, file: file.path, field: upName, "\(up.rows) rows are not whole heads of \(dimension)")
        }
        return Pair(
            site: String(module.dropLast(".weight".count)), rank: rank, alpha: alpha ?? Double(rank),
            inputs: down.columns, outputs: up.rows,
            down: TensorView(down, named: downName, in: file.bytes).floats(),
            up: TensorView(up, named: upName, rowOrder: order, in: file.bytes).floats())
    }
}

import Foundation
import SystemReasons
import Weights

/// Writes a Mixtral checkpoint as one GGUF file with llama.cpp's names (architecture `llama` with experts): experts of a layer stacked,
/// [E, F, H], query and key rows permuted, norms and routers in F32. Tokenizer and chat template are taken over from another GGUF's metadata.
package struct GGUFMixture: Sendable {
    private let checkpoint: Checkpoint
    private let mixture: MixtureConfiguration
    private let tokenizer: GGUFMetadata
    private let isSingle: Bool

    /// - Parameters:
    ///   - tokenizer: of the trunk that the checkpoint was made from.
    ///   - isSingle: F32 matrices instead of F16.
    package init(_ checkpoint: Checkpoint, tokenizer: GGUFMetadata, isSingle: Bool) throws(ExpertStoreError) {
        guard checkpoint.configuration.architecture == .mixtral, let mixture = checkpoint.configuration.mixture else {
            throw ExpertStoreError(
                .unsupported, file: checkpoint.path, field: "architectures",
                "is not Mixtral; no other is written as GGUF")
        }
        self.checkpoint = checkpoint
        self.mixture = mixture
        self.tokenizer = tokenizer
        self.isSingle = isSingle
    }

    /// The file appears when it is whole.
    package func write(to path: String, progress: (Double) -> Void) throws(ExpertStoreError) {
        let tensors = self.tensors
        let header = header(tensors)
        let partial = URL(filePath: path + ".partial")
        do {
            try header.write(to: partial)
            let handle = try FileHandle(forWritingTo: partial)
            try handle.seekToEnd()
            for (index, tensor) in tensors.enumerated() {
                for part in try parts(tensor) {
                    // An expert that computes nothing has its place in a stack all the same.
                    let each = tensor.byteCount / tensor.shape[0]
                    try handle.write(contentsOf: part.map { data($0, tensor) } ?? Data(count: each))
                }
                try handle.write(contentsOf: Data(count: Self.padding(tensor.byteCount)))
                progress(Double(index + 1) / Double(tensors.count))
            }
            try handle.synchronize()
            try handle.close()
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(at: partial, to: URL(filePath: path))
        } catch let error as ExpertStoreError {
            throw error
        } catch {
            throw ExpertStoreError(
                .unreadable, file: path, field: "file", "cannot be written (\(SystemReason.text(of: error)))")
        }
    }
}

extension GGUFMixture {
    private struct Tensor {
        enum Source {
            case plain(String)
            /// Rows of queries or keys.
            case rotated(String)
            case router(Int)
            case gates(Int)
            case ups(Int)
            case downs(Int)
        }

        let name: String
        /// Outermost first.
        let shape: [Int]
        let source: Source
        let isSingle: Bool

        var byteCount: Int { shape.reduce(1, *) * (isSingle ? 4 : 2) }
    }

    private var tensors: [Tensor] {
        let c = checkpoint.configuration
        let (hidden, width, experts) = (c.hiddenSize, mixture.expertWidth, mixture.expertCount)
        let (queries, keys) = (c.headCount * c.headDimension, c.keyValueHeadCount * c.headDimension)
        func matrix(_ name: String, _ shape: [Int], _ source: Tensor.Source) -> Tensor {
            Tensor(name: name, shape: shape, source: source, isSingle: isSingle)
        }
        func single(_ name: String, _ shape: [Int], _ source: Tensor.Source) -> Tensor {
            Tensor(name: name, shape: shape, source: source, isSingle: true)
        }
        var result = [
            matrix("token_embd.weight", [c.vocabularySize, hidden], .plain("model.embed_tokens.weight")),
            single("output_norm.weight", [hidden], .plain("model.norm.weight")),
        ]
        if !c.tiedEmbeddings {
            result.append(matrix("output.weight", [c.vocabularySize, hidden], .plain("lm_head.weight")))
        }
        for layer in 0..<c.layerCount {
            let (own, hf) = ("blk.\(layer)", "model.layers.\(layer)")
            result += [
                single("\(own).attn_norm.weight", [hidden], .plain("\(hf).input_layernorm.weight")),
                matrix("\(own).attn_q.weight", [queries, hidden], .rotated("\(hf).self_attn.q_proj.weight")),
                matrix("\(own).attn_k.weight", [keys, hidden], .rotated("\(hf).self_attn.k_proj.weight")),
                matrix("\(own).attn_v.weight", [keys, hidden], .plain("\(hf).self_attn.v_proj.weight")),
                matrix("\(own).attn_output.weight", [hidden, queries], .plain("\(hf).self_attn.o_proj.weight")),
                single("\(own).ffn_norm.weight", [hidden], .plain("\(hf).post_attention_layernorm.weight")),
                single("\(own).ffn_gate_inp.weight", [experts, hidden], .router(layer)),
                matrix("\(own).ffn_gate_exps.weight", [experts, width, hidden], .gates(layer)),
                matrix("\(own).ffn_up_exps.weight", [experts, width, hidden], .ups(layer)),
                matrix("\(own).ffn_down_exps.weight", [experts, hidden, width], .downs(layer)),
            ]
        }
        return result
    }

    /// The tensor's elements, in parts that follow each other: an expert at a time.
    private func parts(_ tensor: Tensor) throws(ExpertStoreError) -> [TensorView?] {
        try readingWeights { () throws(WeightsError) in
            switch tensor.source {
            case .plain(let name), .rotated(let name): [try checkpoint.tensor(name)]
            case .router(let layer): [try MixtureTensors(checkpoint, layer: layer).router]
            case .gates(let layer): try MixtureTensors(checkpoint, layer: layer).experts.map { $0?.gate }
            case .ups(let layer): try MixtureTensors(checkpoint, layer: layer).experts.map { $0?.up }
            case .downs(let layer): try MixtureTensors(checkpoint, layer: layer).experts.map { $0?.down }
            }
        }
    }

    private func data(_ view: TensorView, _ tensor: Tensor) -> Data {
        var values = view.floats()
        if case .rotated = tensor.source { values = permuted(values, width: view.columns) }
        if tensor.isSingle { return unsafe values.withUnsafeBytes { unsafe Data($0) } }
        let halves = values.map { Float16($0) }
        return unsafe halves.withUnsafeBytes { unsafe Data($0) }
    }

    /// Within each head, row a · (d/2) + b goes to 2b + a (`LlamaModel.permute` of llama.cpp's convert_hf_to_gguf.py).
    private func permuted(_ values: [Float], width: Int) -> [Float] {
        let dimension = checkpoint.configuration.headDimension
        var result = [Float](repeating: 0, count: values.count)
        for row in 0..<values.count / width {
            let (head, place) = row.quotientAndRemainder(dividingBy: dimension)
            let (half, pair) = place.quotientAndRemainder(dividingBy: dimension / 2)
            let target = head * dimension + 2 * pair + half
            for column in 0..<width { result[target * width + column] = values[row * width + column] }
        }
        return result
    }
}

extension GGUFMixture {
    private static let alignment = 32

    private static func padding(_ count: Int) -> Int { (alignment - count % alignment) % alignment }

    private func header(_ tensors: [Tensor]) -> Data {
        var writer = GGUFHeader()
        let c = checkpoint.configuration
        writer.text("general.architecture", "llama")
        writer.integer("llama.block_count", c.layerCount)
        writer.integer("llama.context_length", c.contextLength)
        writer.integer("llama.embedding_length", c.hiddenSize)
        writer.integer("llama.feed_forward_length", mixture.expertWidth)
        writer.integer("llama.attention.head_count", c.headCount)
        writer.integer("llama.attention.head_count_kv", c.keyValueHeadCount)
        writer.integer("llama.attention.key_length", c.headDimension)
        writer.integer("llama.attention.value_length", c.headDimension)
        writer.integer("llama.rope.dimension_count", c.headDimension)
        writer.number("llama.rope.freq_base", Float(c.ropeTheta))
        writer.number("llama.attention.layer_norm_rms_epsilon", c.rmsNormEpsilon)
        writer.integer("llama.vocab_size", c.vocabularySize)
        writer.integer("llama.expert_count", mixture.expertCount)
        writer.integer("llama.expert_used_count", mixture.topK)
        if let widths = mixture.expertWidths { writer.integers("llama.expert_widths", widths) }
        for key in tokenizer.keys where key.hasPrefix("tokenizer.") {
            if let value = tokenizer[key] { writer.value(key, value) }
        }
        var offset = 0
        for tensor in tensors {
            writer.tensor(tensor.name, tensor.shape, type: tensor.isSingle ? 0 : 1, offset: offset)
            offset += tensor.byteCount + Self.padding(tensor.byteCount)
        }
        var bytes = writer.bytes
        bytes += [UInt8](repeating: 0, count: Self.padding(bytes.count))
        return Data(bytes)
    }
}

/// Preamble, metadata and tensor descriptions of a GGUF file, version 3 (ggml's docs/gguf.md).
private struct GGUFHeader {
    private var metadata: [UInt8] = []
    private var metadataCount: UInt64 = 0
    private var tensors: [UInt8] = []
    private var tensorCount: UInt64 = 0

    var bytes: [UInt8] {
        Array("GGUF".utf8) + Self.encoded(UInt32(3)) + Self.encoded(tensorCount) + Self.encoded(metadataCount)
            + metadata + tensors
    }

    mutating func text(_ key: String, _ text: String) {
        begin(key, .text)
        metadata += Self.encoded(Array(text.utf8))
    }

    mutating func integer(_ key: String, _ value: Int) {
        begin(key, .uint32)
        metadata += Self.encoded(UInt32(value))
    }

    mutating func integers(_ key: String, _ values: [Int]) {
        begin(key, .array)
        metadata += Self.encoded(MetadataType.int32.rawValue) + Self.encoded(UInt64(values.count))
        for value in values { metadata += Self.encoded(Int32(value)) }
    }

    mutating func number(_ key: String, _ value: Float) {
        begin(key, .float32)
        metadata += Self.encoded(value.bitPattern)
    }

    /// As it was read; integers become 64 bits wide but for those that fit 32, which readers expect of token ids.
    mutating func value(_ key: String, _ value: MetadataValue) {
        switch value {
        case .text(let text): self.text(key, text)
        case .unsigned(let number) where number <= UInt64(UInt32.max): integer(key, Int(number))
        case .unsigned(let number):
            begin(key, .uint64)
            metadata += Self.encoded(number)
        case .signed(let number):
            begin(key, .int64)
            metadata += Self.encoded(number)
        case .float(let number): self.number(key, Float(number))
        case .boolean(let flag):
            begin(key, .boolean)
            metadata.append(flag ? 1 : 0)
        case .array(let array): self.array(key, array)
        }
    }

    private mutating func array(_ key: String, _ array: MetadataArray) {
        begin(key, .array)
        let isFloat = array.elementType == .float32 || array.elementType == .float64
        let type: MetadataType = array.elementType == .text ? .text : isFloat ? .float32 : .int32
        metadata += Self.encoded(type.rawValue)
        metadata += Self.encoded(UInt64(array.count))
        for index in 0..<array.count {
            if array.elementType == .text {
                metadata += Self.encoded(array.textBytes(at: index))
            } else if case .float(let number)? = array.value(at: index) {
                metadata += Self.encoded(Float(number).bitPattern)
            } else {
                metadata += Self.encoded(Int32(clamping: array.integer(at: index) ?? 0))
            }
        }
    }

    /// shape: outermost first; the file has the innermost first.
    mutating func tensor(_ name: String, _ shape: [Int], type: UInt32, offset: Int) {
        tensorCount += 1
        tensors += Self.encoded(Array(name.utf8)) + Self.encoded(UInt32(shape.count))
        for dimension in shape.reversed() { tensors += Self.encoded(UInt64(dimension)) }
        tensors += Self.encoded(type) + Self.encoded(UInt64(offset))
    }

    private mutating func begin(_ key: String, _ type: MetadataType) {
        metadataCount += 1
        metadata += Self.encoded(Array(key.utf8)) + Self.encoded(type.rawValue)
    }

    private static func encoded(_ text: [UInt8]) -> [UInt8] { encoded(UInt64(text.count)) + text }

    private static func encoded(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

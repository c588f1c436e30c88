import Testing
import Weights

/// A tiny Llama made by transformers, as safetensors and, permuted as llama.cpp's converter does, as GGUF: both
/// checkpoints hold the same numbers under the same names.
struct HuggingFaceOrderTests {
    @Test func bothFormatsHoldTheSameModel() throws {
        let gguf = try Checkpoint.open(Goldens.path("tiny-llama.gguf"))
        let tensors = try Checkpoint.open(Goldens.path("tiny-llama"))
        #expect(gguf.tensorNames.filter { $0 != "rope_freqs.weight" } == tensors.tensorNames)
        for name in tensors.tensorNames {
            let (first, second) = (try gguf.tensor(name), try tensors.tensor(name))
            #expect(first.shape == second.shape, "\(name)")
            #expect(first.floats().map(\.bitPattern) == second.floats().map(\.bitPattern), "\(name)")
        }
    }

    /// Query rows are stored permuted, so a reader that forgot the permutation would fail the test above.
    @Test func storedOrderDiffers() throws {
        let stored = try GGUFFile(path: Goldens.path("tiny-llama.gguf")).tensor("blk.0.attn_q.weight")
        let ordered = try Checkpoint.open(Goldens.path("tiny-llama.gguf")).tensor(
            "model.layers.0.self_attn.q_proj.weight")
        #expect(stored.floats() != ordered.floats())
        #expect(ordered.rowOrder == .interleavedHalves(headDimension: 8))
        #expect(stored.rowOrder == .stored)
        // Within a head of 8, row 1 is stored at 2, and row 4, the first of the second half, at 1.
        for (row, place) in [(0, 0), (1, 2), (4, 1), (7, 7), (9, 10)] {
            let bytes = ordered.withRow(row) { $0.withUnsafeBytes { [UInt8]($0) } }
            #expect(stored.withRow(place) { $0.withUnsafeBytes { [UInt8]($0) } } == bytes, "\(row)")
        }
    }

    @Test func configurationsAgree() throws {
        let gguf = try Checkpoint.open(Goldens.path("tiny-llama.gguf")).configuration
        let config = try Checkpoint.open(Goldens.path("tiny-llama")).configuration
        #expect(gguf.architecture == .llama && config.architecture == .llama)
        #expect([gguf.layerCount, config.layerCount] == [2, 2])
        #expect([gguf.headCount, gguf.keyValueHeadCount, gguf.headDimension] == [4, 2, 8])
        #expect([config.headCount, config.keyValueHeadCount, config.headDimension] == [4, 2, 8])
        #expect([gguf.vocabularySize, config.vocabularySize] == [48, 48])
        #expect([gguf.contextLength, config.contextLength] == [64, 64])
        #expect(gguf.rmsNormEpsilon == 1e-5 && config.rmsNormEpsilon == 1e-5)
        #expect(!gguf.tiedEmbeddings && !config.tiedEmbeddings)
        #expect(gguf.hasQueryKeyValueBias && gguf.hasOutputBias && config.hasQueryKeyValueBias && config.hasOutputBias)
        #expect(gguf.endTokens == [2, 5] && config.endTokens == [2, 5])
        #expect(gguf.ropeScaling == .frequencyFactors([1, 2, 4, 8]))
        #expect(
            config.ropeScaling
                == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32))
    }
}

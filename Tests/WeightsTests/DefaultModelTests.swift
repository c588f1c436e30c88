import Testing
import Weights

/// The model the quickstart serves.
struct DefaultModelTests {
    @Test func configurationIsThePublishedOne() throws {
        let checkpoint = try Checkpoint.open(DefaultModel.path())
        let configuration = checkpoint.configuration
        #expect(configuration.architecture == .llama)
        #expect(configuration.layerCount == 30)
        #expect(configuration.hiddenSize == 576)
        #expect(configuration.intermediateSize == 1536)
        #expect(configuration.headCount == 9)
        #expect(configuration.keyValueHeadCount == 3)
        #expect(configuration.headDimension == 64)
        #expect(configuration.vocabularySize == 49152)
        #expect(configuration.contextLength == 8192)
        #expect(configuration.rmsNormEpsilon == 1e-5)
        #expect(configuration.ropeTheta == 100_000)
        #expect(configuration.ropeScaling == RopeScaling.none)
        #expect(configuration.tiedEmbeddings)
        #expect(!configuration.hasQueryKeyValueBias && !configuration.hasOutputBias)
        #expect(configuration.beginToken == 1)
        #expect(configuration.endTokens == [2])
        #expect(checkpoint.tensorNames.count == 272)
        #expect(try checkpoint.tensor("model.embed_tokens.weight").type == .q80)
        #expect(try checkpoint.tensor("model.layers.29.self_attn.q_proj.weight").type == .q41)
    }

    @Test func metadataOpensWithoutTensors() throws {
        let metadata = try GGUFMetadata(path: DefaultModel.path())
        #expect(try metadata.text("tokenizer.ggml.pre") == "smollm")
        let tokens = try #require(try metadata.array("tokenizer.ggml.tokens", of: .text))
        #expect(tokens.count == 49152)
        #expect(tokens.text(at: 2) == "<|im_end|>")
        #expect(tokens.textBytes(at: 1) == Array("<|im_start|>".utf8))
        let merges = try #require(try metadata.array("tokenizer.ggml.merges", of: .text))
        #expect(merges.text(at: 0) == "Ġ t")
        let kinds = try #require(try metadata.array("tokenizer.ggml.token_type"))
        #expect(kinds.integer(at: 2) == 3)
    }
}

extension DefaultModelTests {
    /// All elements of the first and last layers, the embedding and the last norm, against gguf-py's dequantisation and
    /// transformers' undoing of the permutation.
    @Test func tensorsEqualTheOracle() throws {
        let checkpoint = try Checkpoint.open(DefaultModel.path())
        let digests = try Goldens.digests("defaultModel")
        #expect(digests.count == 20)
        for (name, digest) in digests {
            #expect(try checkpoint.tensor(name).floatDigest() == digest, "\(name)")
        }
    }
}

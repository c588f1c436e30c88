import Testing
import Weights

/// Files written by the safetensors library.
struct SafetensorsTests {
    @Test func shardsAreOneModel() throws {
        let checkpoint = try Checkpoint.open(Goldens.path("tiny-sharded"))
        let digests = try Goldens.digests("sharded")
        #expect(checkpoint.files.count == 2)
        #expect(checkpoint.tensorNames == digests.keys.sorted())
        #expect(checkpoint.metadata == nil)
        for (name, digest) in digests {
            let tensor = try checkpoint.tensor(name)
            #expect(tensor.type == .bfloat16)
            #expect(tensor.floatDigest() == digest, "\(name)")
        }
    }

    @Test func readsHalves() throws {
        let file = try SafetensorsFile(path: Goldens.path("halves.safetensors"))
        let digests = try Goldens.digests("halves")
        #expect(digests.count == 3)
        #expect(file.tensorNames == digests.keys.sorted())
        #expect(file.metadata == ["format": "pt"])
        for (name, digest) in digests {
            #expect(try file.tensor(name).type == .float16)
            #expect(try file.tensor(name).floatDigest() == digest, "\(name)")
        }
        expectError(.unsupported, "position_ids.dtype") { try file.tensor("position_ids") }
    }

    @Test func aSingleFileFindsItsConfiguration() throws {
        let file = try Checkpoint.open(Goldens.path("tiny-llama/model.safetensors"))
        #expect(file.configuration == (try Checkpoint.open(Goldens.path("tiny-llama")).configuration))
        expectError(.unreadable, "open") { try Checkpoint.open(Goldens.path("halves.safetensors")) }
    }

    @Test func absentTensorsAndFilesAreNamed() throws {
        let checkpoint = try Checkpoint.open(Goldens.path("tiny-llama"))
        expectError(.missing, "model.layers.2.mlp.up_proj.weight") {
            try checkpoint.tensor("model.layers.2.mlp.up_proj.weight")
        }
        expectError(.unreadable, "open") { try Checkpoint.open("/nonexistent/model.gguf") }
        expectError(.unreadable, "type") { try GGUFFile(path: Goldens.path("tiny-llama")) }
        expectError(.unreadable, "open") { try Checkpoint.open(Goldens.path("qwen2")) }
    }
}

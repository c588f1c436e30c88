import Foundation
import Testing
import Weights

struct AdapterFolderTests {
    private var trunk: ModelConfiguration {
        get throws { try ModelConfiguration(config: Goldens.path("tiny-llama/config.json")) }
    }

    /// Every 37th element of s B A, rounded to five places by the golden's script.
    private func delta(_ pair: LowRankPair) -> [Double] {
        let (a, b) = (pair.down.floats(), pair.up.floats())
        return stride(from: 0, to: pair.outputs * pair.inputs, by: 37).map { index in
            let (row, column) = index.quotientAndRemainder(dividingBy: pair.inputs)
            let sum = (0..<pair.rank).reduce(0.0) {
                $0 + Double(b[row * pair.rank + $1]) * Double(a[$1 * pair.inputs + column])
            }
            return sum * Double(pair.scale)
        }
    }

    @Test func deltasArePEFTs() throws {
        let adapter = try AdapterFolder.open(Goldens.path("adapters/patterned"))
        let golden = try #require(try JSONValue(path: Goldens.path("adapters/deltas.json")).objectValue)
        #expect(adapter.sites == golden.keys.map(\.text).sorted() && adapter.sites.count == 6)
        #expect(adapter.pairs.allSatisfy { $0.down.type == .float16 })
        #expect(adapter.gates == nil && adapter.prototypes == nil && adapter.gateConfiguration == nil)
        try adapter.check(against: trunk)
        try adapter.checkFinite()
        for (site, values) in golden {
            let expected = try #require(values.arrayValue).compactMap(\.numberValue)
            let found = delta(try #require(adapter.pair(at: site.text)))
            #expect(found.count == expected.count)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 }, "\(site)")
        }
        #expect(adapter.pair(at: "model.layers.0.self_attn.v_proj") == nil)
    }

    @Test func gatesAreRead() throws {
        try withTemporaryFolder { folder in
            var builder = AdapterBuilder()
            builder.config["target_modules"] = AdapterBuilder.sites
            try builder.write(to: folder)
            let adapter = try AdapterFolder.open(folder)
            #expect(adapter.sites == AdapterBuilder.sites)
            #expect(adapter.pairs[0].scale == 2 && adapter.pairs[0].rank == 2)
            let gates = try #require(adapter.gates)
            #expect(gates.vector(at: AdapterBuilder.sites[1])?.floats() == (0..<32).map { Float($0) })
            #expect(gates.vector(at: "elsewhere") == nil)
            let settings = try #require(adapter.gateConfiguration)
            #expect(settings.topK == 2 && settings.epsilon == 1e-5 && settings.label == "test")
            try adapter.check(against: trunk)
        }
    }

    private func expect(
        _ reason: WeightsError.Reason, _ field: String, _ location: SourceLocation = #_sourceLocation,
        _ change: (inout AdapterBuilder) -> Void
    ) {
        var builder = AdapterBuilder()
        change(&builder)
        expectError(reason, field, location) { try builder.open() }
    }

    @Test func aWrongWeightFileIsRefused() {
        let site = AdapterBuilder.sites[0]
        let (down, up) = (AdapterBuilder.down(site), AdapterBuilder.up(site))
        expect(.inconsistent, "\(down).shape") { $0.config["r"] = 4 }
        expect(.inconsistent, "\(down).shape") { $0.config["rank_pattern"] = ["q_proj": 3] }
        expect(.inconsistent, "\(up).shape") { $0.tensors[up] = ([16, 4], [Float](repeating: 0, count: 64)) }
        expect(.inconsistent, "\(down).shape") { $0.tensors[down] = ([64], [Float](repeating: 0, count: 64)) }
        expect(.missing, up) { $0.tensors[up] = nil }
        expect(.missing, down) { $0.tensors[down] = nil }
        expect(.inconsistent, down) { $0.config["target_modules"] = ["down_proj"] }
        for stray in ["lm_head.weight", "base_model.model.lm_head.weight", "\(site).lora_A.weight", "\(site).lora_a"] {
            expect(.unsupported, stray) { $0.tensors[stray] = ([1], [0]) }
        }
        for stray in [".lora_magnitude_vector", ".lora_embedding_A", ".lora_B.bias", ".phatgoose_gate.weight"] {
            expect(.unsupported, "base_model.model.\(site)\(stray)") {
                $0.tensors["base_model.model.\(site)\(stray)"] = ([1], [0])
            }
        }
        expect(.unsupported, "base_model.model.a/b.lora_A.weight") {
            $0.tensors["base_model.model.a/b.lora_A.weight"] = ([2, 2], [0, 0, 0, 0])
        }
    }

    @Test func integersInAWeightFileAreRefused() throws {
        let name = AdapterBuilder.down(AdapterBuilder.sites[0])
        let header = #"{"\#(name)":{"dtype":"I8","shape":[2,32],"data_offsets":[0,64]}}"#
        try withTemporaryFolder { folder in
            try AdapterBuilder().write(to: folder)
            try write(HostileSafetensorsTests.file(header, data: 64), to: "\(folder)/adapter_model.safetensors")
            expectError(.unsupported, "\(name).dtype") { try AdapterFolder.open(folder) }
        }
    }

    @Test func wrongGatesAreRefused() throws {
        let gate = AdapterBuilder.gate(AdapterBuilder.sites[0])
        expect(.missing, gate) { $0.gates?[gate] = nil }
        expect(.inconsistent, "\(gate).shape") { $0.gates?[gate] = [1, 2, 3] }
        expect(.inconsistent, AdapterBuilder.gate("model.layers.0.mlp.up_proj")) {
            $0.gates?[AdapterBuilder.gate("model.layers.0.mlp.up_proj")] = [1]
        }
        expect(.inconsistent, "adapter_sha256") { $0.gateConfig["adapter_sha256"] = String(repeating: "0", count: 64) }
        expect(.malformed, "adapter_sha256") { $0.gateConfig["adapter_sha256"] = "abc" }
        expect(.unsupported, "format") { $0.gateConfig["format"] = 2 }
        expect(.missing, "format") { $0.gateConfig["format"] = nil }
        expect(.unsupported, "normalisation") { $0.gateConfig["normalisation"] = "l2" }
        expect(.malformed, "eps") { $0.gateConfig["eps"] = -1 }
        for file in ["phatgoose_config.json", "phatgoose_gates.safetensors"] {
            try withTemporaryFolder { folder in
                try AdapterBuilder().write(to: folder)
                try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
                expectError(.missing, "file") { try AdapterFolder.open(folder) }
            }
        }
    }

    @Test func prototypesOfAnotherAdapterAreRefused() throws {
        try withTemporaryFolder { folder in
            try AdapterBuilder().write(to: folder)
            func prototypes(_ hash: String) -> [UInt8] {
                var writer = SafetensorsWriter(metadata: ["adapter_sha256": hash])
                for site in AdapterBuilder.sites {
                    writer.add(
                        SiteVectors.Kind.arrow.tensorName(site), shape: [32], [Float](repeating: 0, count: 32))
                }
                return writer.bytes()
            }
            let own = hash([UInt8](try Data(contentsOf: URL(filePath: "\(folder)/adapter_model.safetensors"))))
            try write(prototypes(own), to: "\(folder)/arrow_prototypes.safetensors")
            #expect(try AdapterFolder.open(folder).prototypes?.adapterHash == own)
            try write(prototypes(hash([])), to: "\(folder)/arrow_prototypes.safetensors")
            expectError(.inconsistent, "__metadata__.adapter_sha256") { try AdapterFolder.open(folder) }
            // Whoever has verified the file need not hash it again.
            #expect(try AdapterFolder.open(folder, hashing: false).prototypes != nil)
        }
    }

    @Test func whatIsNotFiniteIsFound() throws {
        let name = AdapterBuilder.up(AdapterBuilder.sites[1])
        for value in [Float.nan, .infinity, -.infinity] {
            var builder = AdapterBuilder()
            builder.tensors[name]?.values[17] = value
            let spoiled = builder
            expectError(.malformed, name) {
                try withTemporaryFolder { folder in
                    try spoiled.write(to: folder)
                    try AdapterFolder.open(folder).checkFinite()
                }
            }
        }
        var builder = AdapterBuilder()
        let gate = AdapterBuilder.gate(AdapterBuilder.sites[0])
        builder.gates?[gate]?[3] = .nan
        let spoiled = builder
        expectError(.malformed, gate) {
            try withTemporaryFolder { folder in
                try spoiled.write(to: folder)
                try AdapterFolder.open(folder).checkFinite()
            }
        }
    }

    @Test func halvesAreCheckedByTheirBits() throws {
        let values: [Float] = [0, 65504, -6e-8, 1]
        for (extra, isGood) in [(Float(1), true), (.nan, false), (.infinity, false)] {
            var writer = SafetensorsWriter()
            writer.add("h", shape: [5], values + [extra], asHalves: true)
            let tensor = try SafetensorsFile(bytes: writer.bytes(), file: "halves").tensor("h")
            if isGood {
                try tensor.checkFinite(file: "halves")
            } else {
                expectError(.malformed, "h") { try tensor.checkFinite(file: "halves") }
            }
        }
    }

    @Test func anAdapterForAnotherTrunkIsRefused() throws {
        let tiny = try trunk
        var elsewhere = AdapterBuilder()
        elsewhere.gates = nil
        elsewhere.tensors["base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight"] = (
            [2, 32], [Float](repeating: 0, count: 64)
        )
        elsewhere.tensors["base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight"] = (
            [32, 2], [Float](repeating: 0, count: 64)
        )
        elsewhere.config["target_modules"] = AdapterBuilder.sites + ["layers.2.self_attn.q_proj"]
        let deep = try elsewhere.open()
        expectError(.inconsistent, "model.layers.2.self_attn.q_proj") { try deep.check(against: tiny) }
        var narrow = AdapterBuilder()
        narrow.gates = nil
        narrow.config["target_modules"] = AdapterBuilder.sites
        narrow.tensors[AdapterBuilder.up(AdapterBuilder.sites[0])] = ([16, 2], [Float](repeating: 0, count: 32))
        let small = try narrow.open()
        expectError(.inconsistent, AdapterBuilder.sites[0]) { try small.check(against: tiny) }
    }

    @Test func aSiteThatIsPromisedMustBeThere() throws {
        let adapter = try AdapterBuilder().open()
        expectError(.missing, AdapterBuilder.down("model.layers.0.mlp.down_proj")) {
            try adapter.check(against: trunk)
        }
    }
}

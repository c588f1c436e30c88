import Digest
import ExpertStore
import Foundation
import Testing
import Weights

struct ExpertImportTests {
    private func imported(
        _ source: String, to store: String, name: String = "new", alpha: Double? = nil
    ) throws -> StoredExpert {
        let trunk = try ShippedExperts.trunk()
        return try ExpertImport(
            source: source, store: store, name: name, trunkName: "tiny", trunk: trunk.configuration,
            trunkHash: trunk.hash, licence: "MIT", provenance: ["source": "a test"], alpha: alpha
        ).run()
    }

    /// A stock PEFT folder: the shipped expert without what routing added.
    private func plain(_ folder: String) throws -> String {
        let plain = "\(folder)/plain"
        try FileManager.default.createDirectory(atPath: plain, withIntermediateDirectories: true)
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            try copy("\(ShippedExperts.folder)/french/\(file)", "\(plain)/\(file)")
        }
        try Data([1]).write(to: URL(filePath: "\(plain)/optimizer.pt"))
        return plain
    }

    /// The shipped prototypes were computed elsewhere, by numpy's QR and SVD in double precision.
    @Test func aPlainAdapterGetsItsPrototypes() throws {
        try withTemporaryFolder { folder in
            let expert = try imported(try plain(folder), to: "\(folder)/store")
            #expect(expert.folder == "\(folder)/store/tiny/new" && expert.name == "new")
            #expect(
                expert.manifest.files.keys.sorted() == [
                    "adapter_config.json", "adapter_model.safetensors", "arrow_prototypes.safetensors",
                ])
            let adapter = try expert.verify(trunk: ShippedExperts.trunk())
            let golden = try StoredExpert(folder: "\(ShippedExperts.folder)/french").adapter()
            #expect(adapter.gates == nil && golden.sites == adapter.sites)
            for site in adapter.sites {
                let found = try #require(adapter.prototypes?.vector(at: site)).floats()
                let expected = try #require(golden.prototypes?.vector(at: site)).floats()
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(site)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/store/tiny") == ["new"])
        }
    }

    @Test func gatesComeAlong() throws {
        try withTemporaryFolder { folder in
            let expert = try imported("\(ShippedExperts.folder)/swift", to: folder, name: "swift")
            let original = try StoredExpert(folder: "\(ShippedExperts.folder)/swift")
            #expect(expert.manifest.files == original.manifest.files && expert.id == original.id)
        }
    }

    @Test func aRefusedImportLeavesNothing() throws {
        try withTemporaryFolder { folder in
            let source = try plain(folder)
            let store = "\(folder)/store"
            func refused(_ reason: ExpertStoreError.Reason, _ field: String, _ source: String, alpha: Double? = nil) {
                expectError(reason, field) { try imported(source, to: store, alpha: alpha) }
                let left = (try? FileManager.default.contentsOfDirectory(atPath: "\(store)/tiny")) ?? []
                #expect(left.isEmpty)
            }
            try edit("\(source)/adapter_config.json", "\"use_dora\": false", "\"use_dora\": true")
            refused(.unsupported, "use_dora", source)
            try edit("\(source)/adapter_config.json", "\"use_dora\": true", "\"use_dora\": false")
            try edit("\(source)/adapter_config.json", "\"q_proj\",", "\"q_proj\", \"nothing\",")
            try Data("x".utf8).write(to: URL(filePath: "\(folder)/adapter.pt"))
            refused(.unsupported, "format", "\(folder)/adapter.pt")
            refused(.missing, "file", folder)
            try Data("x".utf8).write(to: URL(filePath: "\(folder)/x.safetensors"))
            refused(.missing, "alpha", "\(folder)/x.safetensors")
            refused(.adapter, "header length", "\(folder)/x.safetensors", alpha: 1)
            try Data("xxxxxxxx".utf8).write(to: URL(filePath: "\(folder)/x.gguf"))
            refused(.adapter, "magic", "\(folder)/x.gguf")
        }
    }

    @Test func namesAreTakenOnce() throws {
        try withTemporaryFolder { folder in
            let source = try plain(folder)
            _ = try imported(source, to: folder)
            expectError(.nameTaken, "name") { try imported(source, to: folder) }
            expectError(.malformed, "name") { try imported(source, to: folder, name: "../x") }
        }
    }

    @Test func aTrunksFolderHoldsOneTrunk() throws {
        try withTemporaryFolder { folder in
            let source = try plain(folder)
            _ = try imported(source, to: folder)
            let trunk = try ShippedExperts.trunk()
            expectError(.otherTrunk, "trunk.sha256") {
                try ExpertImport(
                    source: source, store: folder, name: "second", trunkName: "tiny", trunk: trunk.configuration,
                    trunkHash: SHA256Digest(of: [])
                ).run()
            }
        }
    }

    /// mttl's names, with gates: what is written reads back as the same numbers.
    @Test func aForeignFileBecomesAPEFTFolder() throws {
        try withTemporaryFolder { folder in
            let trunk = try ShippedExperts.trunk()
            var writer = SafetensorsWriter()
            let sites = trunk.configuration.linearSites.filter { $0.site.hasSuffix("mlp.down_proj") }
            for (index, site) in sites.enumerated() {
                let rank = index == 0 ? 1 : 2
                writer.add(
                    "\(site.site).lora_a", shape: [site.inputs, rank],
                    [Float](repeating: 0.1, count: site.inputs * rank))
                writer.add(
                    "\(site.site).lora_b", shape: [rank, site.outputs],
                    [Float](repeating: 0.2, count: site.outputs * rank))
                writer.add(
                    "\(site.site).selector.gates.law.v", shape: [1, site.inputs],
                    [Float](repeating: 0.3, count: site.inputs))
            }
            try Data(writer.bytes()).write(to: URL(filePath: "\(folder)/law.safetensors"))
            let expert = try imported("\(folder)/law.safetensors", to: folder, name: "law", alpha: 4)
            let adapter = try expert.verify(trunk: trunk)
            #expect(adapter.pairs.count == 30)
            #expect(adapter.pair(at: "model.layers.0.mlp.down_proj")?.scale == 4)
            let second = try #require(adapter.pair(at: "model.layers.1.mlp.down_proj"))
            #expect(second.rank == 2 && second.scale == 2 && second.down.type == .float32)
            #expect(second.down.floats().allSatisfy { $0 == 0.1 } && second.up.floats().allSatisfy { $0 == 0.2 })
            #expect(adapter.gates?.vector(at: second.site)?.floats() == [Float](repeating: 0.3, count: 1536))
            // B A is a constant matrix: its top right singular vector is uniform.
            let prototype = try #require(adapter.prototypes?.vector(at: second.site)).floats()
            #expect(prototype.allSatisfy { abs($0 - 1 / Float(1536).squareRoot()) < 1e-6 })
        }
    }
}

import Digest
import ExpertStore
import Foundation
import Testing
import Weights

func expectError<R>(
    _ reason: ExpertStoreError.Reason, _ field: String, _ location: SourceLocation = #_sourceLocation,
    _ body: () throws -> R
) {
    do {
        _ = try body()
        Issue.record("no error; expected \(reason) about \(field)", sourceLocation: location)
    } catch let error as ExpertStoreError {
        #expect(error.reason == reason && error.field == field, "\(error)", sourceLocation: location)
        #expect(!error.file.isEmpty && !error.detail.isEmpty, sourceLocation: location)
    } catch {
        Issue.record("\(error) is not an ExpertStoreError", sourceLocation: location)
    }
}

struct ExpertStoreTests {
    @Test func theShippedSetIsGood() throws {
        let trunk = try ShippedExperts.trunk()
        let experts = try ExpertStore.set([ShippedExperts.folder], trunkHash: trunk.hash)
        #expect(
            experts.map(\.name) == [
                "french", "german", "glossary", "manual", "python", "scripture", "spanish", "swift",
            ])
        for expert in experts {
            let adapter = try expert.verify(trunk: trunk)
            #expect(adapter.pairs.count == 210 && adapter.pairs.allSatisfy { $0.rank == 8 && $0.scale == 2 })
            #expect(adapter.gates != nil && adapter.prototypes != nil)
            #expect(expert.manifest.licence == "Apache-2.0" && expert.id.hasPrefix("\(expert.name)@"))
        }
        #expect(try ExpertStore.hash(of: Checkpoint.open(ShippedExperts.trunkPath())) == trunk.hash)
        #expect(try ExpertStore.list("\(ShippedExperts.folder)/..").count == 8)
    }

    /// `sha256sum` of the folder's files, hashed once more, is the content hash.
    @Test func theContentHashIsThatOfTheListing() throws {
        let expert = try StoredExpert(folder: "\(ShippedExperts.folder)/french")
        let listing = expert.manifest.files.keys.sorted().map { name in
            "\((try? SHA256Digest(ofFileAt: "\(expert.folder)/\(name)"))?.hex ?? "")  \(name)\n"
        }
        #expect(SHA256Digest(of: Array(listing.joined().utf8)) == expert.manifest.contentHash)
    }

    @Test func theSetsHashKnowsVersionsAndMembers() throws {
        let experts = try ExpertStore.set([ShippedExperts.folder])
        #expect(ExpertStore.setHash(experts) == ExpertStore.setHash(try ExpertStore.set([ShippedExperts.folder])))
        #expect(ExpertStore.setHash(experts) != ExpertStore.setHash(Array(experts.dropLast())))
        #expect(ExpertStore.setHash([experts[0]]) != ExpertStore.setHash([experts[1]]))
    }

    @Test func twoOfOneNameAreRefused() throws {
        try withTemporaryFolder { folder in
            try copy("\(ShippedExperts.folder)/german", "\(folder)/other/german")
            expectError(.nameTaken, "name") { try ExpertStore.set([ShippedExperts.folder, folder]) }
            #expect(try ExpertStore.set([folder]).map(\.name) == ["german"])
        }
    }

    @Test func anExpertForAnotherTrunkIsRefused() throws {
        let other = SHA256Digest(of: [1])
        expectError(.otherTrunk, "trunk.sha256") { try ExpertStore.set([ShippedExperts.folder], trunkHash: other) }
        let expert = try StoredExpert(folder: "\(ShippedExperts.folder)/french")
        let trunk = try ShippedExperts.trunk()
        expectError(.otherTrunk, "trunk.sha256") { try expert.verify(trunk: (trunk.configuration, other)) }
    }

    private func spoiled(_ spoil: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let expert = "\(folder)/french"
            try copy("\(ShippedExperts.folder)/french", expert)
            try spoil(expert)
            try StoredExpert(folder: expert).verify()
        }
    }

    @Test func aChangedFileIsFound() {
        expectError(.hashMismatch, "SHA-256") {
            try spoiled { try edit("\($0)/training.json", "french", "french!") }
        }
        expectError(.missing, "file") {
            try spoiled { try FileManager.default.removeItem(atPath: "\($0)/phatgoose_gates.safetensors") }
        }
        expectError(.hashMismatch, "file") {
            try spoiled { try Data([1]).write(to: URL(filePath: "\($0)/average_activations.safetensors")) }
        }
        expectError(.missing, "file") {
            try spoiled { try FileManager.default.removeItem(atPath: "\($0)/expert.yaml") }
        }
        expectError(.missing, "expert.yaml") {
            try withTemporaryFolder { _ = try ExpertStore.list($0) }
        }
    }

    @Test func aWrongManifestIsRefused() {
        func edited(_ from: String, _ to: String) throws {
            try spoiled { try edit("\($0)/expert.yaml", from, to) }
        }
        expectError(.unsupported, "format") { try edited("format: 1", "format: 2") }
        expectError(.hashMismatch, "id") { try edited("id: french@", "id: french@0") }
        expectError(.malformed, "name") { try edited("name: french", "name: ../x") }
        expectError(.hashMismatch, "id") { try edited("\nname: french", "\nname: german") }
        expectError(.unsupported, "kind") { try edited("kind: lora", "kind: adapter") }
        expectError(.malformed, "trunk.sha256") { try edited("b179c9523d0e", "b179") }
        expectError(.malformed, "files.../x") { try edited("  training.json:", "  ../x:") }
        expectError(.missing, "licence") { try edited("licence: Apache-2.0\n", "") }
        expectError(.malformed, "colour") { try edited("kind: lora", "kind: lora\ncolour: red") }
        expectError(.malformed, "YAML") { try edited("kind: lora", "kind: [") }
        expectError(.malformed, "YAML") { try edited("kind: lora", "kind: lora\nkind: lora") }
        expectError(.hashMismatch, "id") { try edited("training.json:", "trainings.json:") }
    }

    @Test func aFolderOfAnotherNameIsRefused() throws {
        try withTemporaryFolder { folder in
            try copy("\(ShippedExperts.folder)/french", "\(folder)/german")
            expectError(.malformed, "name") { try StoredExpert(folder: "\(folder)/german") }
        }
    }

    @Test func manifestsSurviveWritingAndReading() throws {
        let strange = ExpertManifest(
            name: "no", trunk: .init(name: "t", hash: SHA256Digest(of: [])),
            files: ["a b: c.json": SHA256Digest(of: [1]), "adapter_config.json": SHA256Digest(of: [2])],
            licence: "true", provenance: ["why": "\"quotes\" \\ # : - é\n\ttabs\u{7F}", "1": "2"])
        let again = try ExpertManifest(yaml: strange.yaml, file: "manifest")
        #expect(again == strange && again.yaml == strange.yaml && again.id == strange.id)
    }
}

struct CalibrationFileTests {
    @Test func survivesWritingAndReading() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/calibration.json"
            let (one, other) = (SHA256Digest(of: [1]), SHA256Digest(of: [2]))
            func entry(_ hash: SHA256Digest, _ tau: Double) -> CalibrationFile.Entry {
                .init(
                    setHash: hash, method: "phatgoose", experts: ["a@1", "b@2"], text: "general chat", tokens: 1000,
                    percentile: 0.9, thresholds: ["model.layers.0.self_attn.q_proj": tau, "x": -0.1])
            }
            var file = CalibrationFile(trunkHash: SHA256Digest(of: []))
            file.record(entry(one, 0.25))
            file.record(entry(other, 0.5))
            file.record(entry(one, 1.0 / 3))
            try file.write(to: path)
            let again = try CalibrationFile(path: path)
            #expect(again.entries.count == 2 && again.trunkHash == file.trunkHash)
            #expect(again.entry(setHash: one, method: "phatgoose") == entry(one, 1.0 / 3))
            #expect(again.entry(setHash: other, method: "phatgoose") == entry(other, 0.5))
            #expect(again.entry(setHash: other, method: "arrow") == nil)
            try edit(path, "0.9", "\"0.9\"")
            expectError(.malformed, "entries[0]") { try CalibrationFile(path: path) }
            try edit(path, "\"format\" : 1", "\"format\" : 9")
            expectError(.malformed, "format") { try CalibrationFile(path: path) }
        }
    }
}

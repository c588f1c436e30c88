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

struct MeanAdapterTests {
    /// At full rank the mean is the mean: (1/N) Σ s B A u for any u, up to the rounding to halves.
    @Test func atFullRankItIsTheMeanOfTheProducts() throws {
        let adapters = try ["french", "swift"].map {
            try StoredExpert(folder: "\(ShippedExperts.folder)/\($0)").adapter()
        }
        let mean = try MeanAdapter(of: adapters, rank: 16)
        #expect(mean.energyKept > 0.999_999)
        let site = "model.layers.3.self_attn.k_proj"
        let pair = try #require(mean.adapter.pairs.first { $0.site == site })
        #expect(pair.rank == 16 && pair.alpha == 16)
        let input = (0..<pair.inputs).map { Float(($0 * 37) % 19) / 19 - 0.5 }
        let expected = try adapters.map { adapter in
            let own = try #require(adapter.pair(at: site))
            return product(own.up.floats(), own.down.floats(), rank: own.rank, input).map { $0 * own.scale / 2 }
        }
        let found = product(pair.up, pair.down, rank: pair.rank, input)
        let largest = found.map(\.magnitude).max() ?? 0
        for index in found.indices {
            #expect(abs(found[index] - expected[0][index] - expected[1][index]) < 1e-4 * largest)
        }
    }

    @Test func aCalibratedSetReadsItsCommonExpertAndRefusesAnother() throws {
        try withTemporaryFolder { folder in
            for name in ["french", "swift"] { try copy("\(ShippedExperts.folder)/\(name)", "\(folder)/\(name)") }
            let stored = try ExpertStore.set([folder])
            #expect(try StoredCalibration(of: stored).common == nil)
            let mean = try MeanAdapter(of: try stored.map { try $0.adapter() }, rank: 2)
            #expect(mean.energyKept > 0.1 && mean.energyKept < 1)
            let hash = try mean.write(to: folder, trunkName: "t")
            let set = ExpertStore.setHash(stored)
            try CalibrationFile(
                trunkHash: stored[0].manifest.trunk.hash,
                common: .init(setHash: set, hash: hash, rank: 2, energyKept: mean.energyKept)
            ).write(to: "\(folder)/\(CalibrationFile.fileName)")
            let read = try #require(try StoredCalibration(of: stored).common)
            #expect(read.hash == hash && read.adapter.pairs.count == 210 && read.adapter.pairs[0].rank == 2)
            #expect(try ExpertStore.list(folder).count == 2, "the common expert is none of the set")
            #expect(try StoredCalibration(of: [stored[0]]).common == nil, "another set has another mean")
            try Data([1, 2, 3]).write(to: URL(filePath: "\(folder)/_common/adapter_model.safetensors"))
            expectError(.hashMismatch, "sha256") { try StoredCalibration(of: stored) }
        }
    }

    /// B (A u); B: [out, rank], A: [rank, in].
    private func product(_ up: [Float], _ down: [Float], rank: Int, _ input: [Float]) -> [Float] {
        let inner = (0..<rank).map { row in
            zip(down[row * input.count..<(row + 1) * input.count], input).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return (0..<up.count / rank).map { row in
            zip(up[row * rank..<(row + 1) * rank], inner).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }
}

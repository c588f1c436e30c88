import Digest
import ExpertStore
import Foundation
import Testing
import Weights

/// What training writes: gates beside an adapter that stays, and masters' folders.
struct TrainedFolderTests {
    private func copied(_ folder: String) throws -> String {
        let place = "\(folder)/french"
        try FileManager.default.copyItem(atPath: "\(ShippedExperts.folder)/french", toPath: place)
        return place
    }

    private func gates(_ sidecar: GateSidecar) -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: sidecar.adapter.pairs.map { ($0.site, [Float](repeating: 0.5, count: $0.inputs)) })
    }

    @Test func newGatesBelongToTheAdapterAndTheManifestKnowsThem() throws {
        try withTemporaryFolder { folder in
            let place = try copied(folder)
            #expect { _ = try GateSidecar(folder: place, replaces: false) } throws: {
                ($0 as? ExpertStoreError)?.reason == .nameTaken
            }
            let before = try SHA256Digest(ofFileAt: "\(place)/adapter_model.safetensors")
            let old = try StoredExpert(folder: place).id
            let sidecar = try GateSidecar(folder: place, replaces: true)
            try sidecar.write(gates(sidecar), GateOrigin(method: "training", steps: 30, seed: 42))
            let expert = try StoredExpert(folder: place)
            let adapter = try expert.verify(trunk: ShippedExperts.trunk())
            #expect(expert.id != old)
            #expect(try SHA256Digest(ofFileAt: "\(place)/adapter_model.safetensors") == before)
            #expect(adapter.gates?.vector(at: adapter.sites[0])?.floats().allSatisfy { $0 == 0.5 } == true)
        }
    }

    @Test func anAdapterThatChangesMeanwhileGetsNoGates() throws {
        try withTemporaryFolder { folder in
            let place = try copied(folder)
            let sidecar = try GateSidecar(folder: place, replaces: true)
            let gatesFile = "\(place)/phatgoose_gates.safetensors"
            let before = try SHA256Digest(ofFileAt: gatesFile)
            let file = URL(filePath: sidecar.adapter.weightsPath)
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: file, options: .atomic)
            #expect { try sidecar.write(gates(sidecar), GateOrigin(method: "training")) } throws: {
                ($0 as? ExpertStoreError)?.reason == .hashMismatch
            }
            #expect(try SHA256Digest(ofFileAt: gatesFile) == before)
        }
    }

    @Test func aMastersFolderIsReadAsItWasWritten() throws {
        try withTemporaryFolder { folder in
            let (trunk, hash) = try ShippedExperts.trunk()
            let rows = (0..<2 * trunk.hiddenSize).map { Float($0) / 7 }
            let master = TrainedMaster(
                trunkHash: hash, temperature: 1.5,
                tokens: [.init(token: "<a>", description: "first"), .init(token: "<b>", description: "")],
                embedding: rows, head: trunk.tiedEmbeddings ? nil : rows)
            let place = "\(folder)/master"
            try master.write(to: place, adapter: .none, trunkName: "tiny", notes: [])
            let read = try MasterFolder.open(place, for: trunk)
            #expect(read.embedding == rows && read.head == rows && read.adapter?.path == nil)
            #expect(read.tokens.map(\.text) == ["<a>", "<b>"] && read.tokens.map(\.description) == ["first", ""])
            #expect(read.temperature == 1.5 && read.trunkSHA256 == hash.hex)
            let other = "\(folder)/other"
            try master.write(
                to: other, adapter: .copied(from: "\(ShippedExperts.folder)/french"), trunkName: "tiny", notes: [])
            #expect(
                try SHA256Digest(ofFileAt: "\(other)/adapter_model.safetensors")
                    == SHA256Digest(ofFileAt: "\(ShippedExperts.folder)/french/adapter_model.safetensors"))
            #expect(throws: ExpertStoreError.self) {
                try master.write(to: other, adapter: .none, trunkName: "tiny", notes: [])
            }
        }
    }
}

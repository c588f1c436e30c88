import Digest
import Foundation
import Inference
import Kernels
import Testing
import Weights

@Suite("Where a mixture's bytes stand in its files") struct MixtureSliceTests {
    @Test(
        "experts' slices and what is beside them are all bytes of the files, each once",
        arguments: MixtureGolden.names.map { ($0, false) } + MixtureGolden.inGGUF.map { ($0, true) })
    func cover(_ name: String, _ inGGUF: Bool) throws {
        let checkpoint = try Self.checkpoint(name, inGGUF)
        let all = try MixtureShard.slices(Self.cells(checkpoint), of: checkpoint) + checkpoint.slicesBesideExperts()
        for file in checkpoint.files {
            let ranges = all.filter { $0.file == file }.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            let size = try #require(
                FileManager.default.attributesOfItem(atPath: file)[.size] as? NSNumber)
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == size.intValue)
        }
    }

    @Test(
        "a trunk's hashes from slices are those that a worker makes while it packs",
        arguments: MixtureGolden.names.map { ($0, false) } + MixtureGolden.inGGUF.map { ($0, true) })
    func hashes(_ name: String, _ inGGUF: Bool) throws {
        let checkpoint = try Self.checkpoint(name, inGGUF)
        let cells = Self.cells(checkpoint)
        let digests = try FileSlices.digests(
            of: MixtureShard.slices(cells, of: checkpoint), run: TestModels.team.run)
        let shard = try MixtureShard.load(checkpoint, cells, mode: .exact, team: TestModels.team)
        #expect(shard.entries.map(\.cell) == cells.sorted())
        #expect(try MixtureShard.hashes(cells, of: checkpoint, digests: digests) == shard.entries.map(\.hash))
    }

    private static func checkpoint(_ name: String, _ inGGUF: Bool) throws -> Checkpoint {
        let folder = MixtureGolden.folder(name)
        return try Checkpoint.open((inGGUF ? folder.appending(path: "model.gguf") : folder).path)
    }

    private static func cells(_ checkpoint: Checkpoint) -> [MixtureCell] {
        let mixture = checkpoint.configuration.mixture
        return (mixture?.layers ?? []).flatMap { layer in
            (0..<(mixture?.expertCount ?? 0)).map { MixtureCell(layer: layer, expert: $0) }
        }
    }
}

import Digest
import ExpertStore
import Foundation
import Inference
import Weights

/// How long it takes, and how much memory, until many small adapters are verified and packed.
enum AdapterLoading {
    private static let rank = 8

    static func measure(_ count: Int, of store: String, _ model: LoadedModel) throws -> RoutingSpeedReport.Loading {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("skein-load-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let narrow = try SyntheticExperts.adapters(in: store).map { try cut($0, from: store, to: "\(folder)/narrow") }
        var bytes = 0
        let paths = try (0..<count).map { index in
            let copy = try ExpertCopy.make(index, of: narrow[index % narrow.count], in: "\(folder)/many")
            let path = "\(folder)/many/\(copy)"
            bytes +=
                try FileManager.default.attributesOfItem(
                    atPath: URL(filePath: "\(path)/\(AdapterFolder.weightsFile)").resolvingSymlinksInPath().path)[.size]
                as? Int ?? 0
            return path
        }
        let before = residentBytes
        let start = ContinuousClock.now
        let set = try load(paths, model)
        let seconds = (ContinuousClock.now - start).perSecond(1)
        let after = residentBytes
        return withExtendedLifetime(set) {
            RoutingSpeedReport.Loading(
                adapters: count, bytesOnDisk: bytes, bytesInMemory: after - before, seconds: 1 / seconds, verified: true
            )
        }
    }

    private static func load(_ paths: [String], _ model: LoadedModel) throws -> ExpertSet {
        let sources = try paths.concurrentMap { path in
            let stored = try StoredExpert(folder: path)
            return ExpertSource(
                name: stored.name, hash: stored.manifest.contentHash.hex, adapter: try stored.verify())
        }
        return try ExpertSet.load(sources, for: model.weights, calibration: .none, team: model.team)
    }

    /// The first columns and rows of every pair, as an expert of its own.
    private static func cut(_ adapter: AdapterFolder, from store: String, to folder: String) throws -> String {
        let original = try ExpertManifest(folder: adapter.path)
        let path = "\(folder)/\(original.name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let pairs = adapter.pairs.map { pair in
            let (down, up) = (pair.down.floats(), pair.up.floats())
            return ImportedAdapter.Pair(
                site: pair.site, rank: rank, alpha: Double(rank) * Double(pair.scale), inputs: pair.inputs,
                outputs: pair.outputs, down: Array(down.prefix(rank * pair.inputs)),
                up: (0..<pair.outputs).flatMap { up[$0 * pair.rank..<$0 * pair.rank + rank] })
        }
        let narrow = try ImportedAdapter(computed: pairs, asHalves: true)
        let weights = narrow.weightsFile()
        try Data(weights).write(to: URL(filePath: "\(path)/\(AdapterFolder.weightsFile)"))
        var fields =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: "\(adapter.path)/\(AdapterFolder.configurationFile)")))
            as? [String: Any] ?? [:]
        (fields["r"], fields["lora_alpha"]) = (rank, Double(rank) * Double(adapter.pairs[0].scale))
        let settings = try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys)
        try settings.write(to: URL(filePath: "\(path)/\(AdapterFolder.configurationFile)"))
        let manifest = ExpertManifest(
            name: original.name, trunk: original.trunk,
            files: [
                AdapterFolder.weightsFile: SHA256Digest(of: weights),
                AdapterFolder.configurationFile: SHA256Digest(of: Array(settings)),
            ], licence: original.licence, provenance: original.provenance)
        try manifest.yaml.write(toFile: "\(path)/\(ExpertManifest.fileName)", atomically: true, encoding: .utf8)
        return path
    }

    /// Of this process.
    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ").compactMap { Int($0) }
        return fields.count > 1 ? fields[1] * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}

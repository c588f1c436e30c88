import Digest
import ExpertStore
import Foundation
import Launcher
import Topology

/// The clusters of a trial, in a temporary folder.
struct ExpertsTrialSite: Sendable {
    /// Who competes: where the experts are.
    let names: [String]
    let folder: URL
    /// By name, in order.
    let clusters: [ClusterTopology]
    let experts: [String]

    init(_ options: BenchExperts) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "skein-experts-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if try MixtureSite.suits(options) {
            names = MixtureSite.names
            experts = try MixtureSite.experts(of: options)
            clusters = try names.map { [folder] in try Self.cluster($0, MixtureSite.yaml($0, options), in: folder) }
            return
        }
        names = ["local", "remote", "cacheable"]
        var store = URL(filePath: options.store).path
        var experts = try FileManager.default.contentsOfDirectory(atPath: store).filter {
            FileManager.default.fileExists(atPath: "\(store)/\($0)/expert.yaml")
        }.sorted()
        guard experts.count > 1 else {
            throw CommandFailure.usage(
                "--experts \(options.store): needs two experts at least, it has \(experts.count)")
        }
        if let copies = options.copies {
            let copied = folder.appendingPathComponent("store").path
            experts = try (0..<copies).map {
                try ExpertCopy.make($0, of: "\(store)/\(experts[$0 % experts.count])", in: copied)
            }
            experts.sort()
            store = copied
        }
        self.experts = experts
        clusters = try names.map { [folder] in
            try Self.cluster($0, Self.yaml($0, experts, in: store, options), in: folder)
        }
    }

    private static func cluster(_ name: String, _ yaml: String, in folder: URL) throws -> ClusterTopology {
        let file = folder.appendingPathComponent("\(name).yaml").path
        try yaml.write(toFile: file, atomically: true, encoding: .utf8)
        return try ClusterTopology(contentsOf: file)
    }

    func remove() {
        for cluster in clusters { _ = try? Launcher.stop(cluster) }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func yaml(_ name: String, _ experts: [String], in store: String, _ options: BenchExperts) -> String {
        let cores = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let half = experts.count / 2
        let workers = [experts[..<half], experts[half...]].enumerated().map { index, share in
            "  - {name: w\(index), threads: \(max(1, cores / 2)), experts: {names: [\(share.joined(separator: ", "))]}}"
        }
        let all = experts.joined(separator: ", ")
        return """
            name: bench-\(name)
            router: {trunk: {models: [m], threads: \(cores), capacity: \(options.streams)}}
            models:
              - name: m
                file: "\(URL(filePath: options.model).path)"
                compute: \(options.compute)
                experts:
                  store: "\(store)"
                  names: [\(all)]
                  pinned: [\(name == "local" ? all : "")]
                  cacheable: [\(name == "cacheable" ? all : "")]
                  cache_megabytes: \(options.cacheMegabytes)
            \(name == "local" ? "" : "workers:\n" + workers.joined(separator: "\n"))
            """
    }
}

/// Another expert made of one that there is: another scale, hence other bits and another hash.
enum ExpertCopy {
    static func make(_ index: Int, of source: String, in store: String) throws -> String {
        let original = try ExpertManifest(folder: source)
        let name = "\(original.name)-\(index)", folder = "\(store)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var files = original.files
        for file in files.keys where file != configuration {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(file)", withDestinationPath: "\(source)/\(file)")
        }
        let data = try Data(contentsOf: URL(filePath: "\(source)/\(configuration)"))
        guard var fields = try JSONSerialization.jsonObject(with: data) as? [String: Any],
            let alpha = fields["lora_alpha"] as? NSNumber
        else { throw CommandFailure.failed("\(source)/\(configuration): no lora_alpha") }
        fields["lora_alpha"] = alpha.doubleValue * (1 + Double(index) / 8192)
        let changed = try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys)
        try changed.write(to: URL(filePath: "\(folder)/\(configuration)"))
        files[configuration] = SHA256Digest(of: Array(changed))
        let manifest = ExpertManifest(
            name: name, trunk: original.trunk, files: files, licence: original.licence, provenance: original.provenance)
        try manifest.yaml.write(
            toFile: "\(folder)/\(ExpertManifest.fileName)", atomically: true, encoding: .utf8)
        return name
    }

    private static let configuration = "adapter_config.json"
}

import Digest
import ExpertStore
import Foundation
import Inference
import Weights
import WorkerService

/// The experts in some folders: each is an adapter's folder, or holds adapters' folders, at most two levels down. Those of a store are verified
/// against their manifests and the trunk; a plain PEFT folder is taken as it is.
struct ExpertFolders {
    private let paths: [String]

    init(_ paths: [String]) throws {
        self.paths = try paths.flatMap { path in
            let found = Self.adapters(in: path, levels: 2)
            guard !found.isEmpty else {
                throw CommandFailure.usage(
                    "\(path): no expert here: no folder with \(AdapterFolder.configurationFile) in it")
            }
            return found
        }
    }

    private static func adapters(in path: String, levels: Int) -> [String] {
        let files = FileManager.default
        // A master's LoRA is no expert's.
        if files.fileExists(atPath: "\(path)/\(MasterFolder.descriptionFile)") { return [] }
        if files.fileExists(atPath: "\(path)/\(AdapterFolder.configurationFile)") { return [path] }
        guard levels > 0, let entries = try? files.contentsOfDirectory(atPath: path) else { return [] }
        return entries.filter { !$0.hasPrefix(".") && $0 != MeanAdapter.folderName }.sorted().flatMap {
            adapters(in: "\(path)/\($0)", levels: levels - 1)
        }
    }

    /// - Parameters:
    ///   - isCalibrated: with the null scores and the common expert that the store has for them.
    ///   - prepare: what is done to the experts before they are packed.
    func load(
        for model: LoadedModel, at modelPath: String, isCalibrated: Bool = true,
        prepare: ([ExpertSource]) throws -> [ExpertSource] = { $0 }
    ) throws -> ExpertSet {
        let progress = ThrottledProgress("loading \(paths.count) experts")
        let checkpoint = try Checkpoint.open(modelPath)
        let trunk = try ExpertStore.hash(of: checkpoint)
        var stored: [StoredExpert] = []
        let sources = try paths.enumerated().map { index, path in
            progress.show(fraction: Double(index) / Double(paths.count))
            guard FileManager.default.fileExists(atPath: "\(path)/\(ExpertManifest.fileName)") else {
                return try Self.plain(path)
            }
            let expert = try StoredExpert(folder: path)
            stored.append(expert)
            return ExpertSource(
                name: expert.name, hash: expert.manifest.contentHash.hex,
                adapter: try expert.verify(trunk: (checkpoint.configuration, trunk)))
        }
        Terminal.endProgress()
        let calibration = isCalibrated && stored.count == sources.count ? try StoredCalibration(of: stored) : .none
        return try ExpertSet.load(
            prepare(sources), for: model.weights, calibration: SetCalibration(calibration), team: model.team)
    }

    private static func plain(_ path: String) throws -> ExpertSource {
        let adapter = try AdapterFolder.open(path)
        try adapter.checkFinite()
        return ExpertSource(
            name: URL(filePath: path).lastPathComponent, hash: try SHA256Digest(ofFileAt: adapter.weightsPath).hex,
            adapter: adapter)
    }
}

import Digest
import Foundation
import Inference
import Weights

/// The experts in some folders: each is an adapter's folder, or holds adapters' folders, at most two levels down.
struct ExpertFolders {
    private let paths: [String]

    init(_ paths: [String]) throws {
        self.paths = try paths.flatMap { path in
            let found = Self.adapters(in: path, levels: 2)
            guard !found.isEmpty else {
                throw CommandFailure.failed("\(path): no expert here: no folder with \(AdapterFolder.configurationFile) in it")
            }
            return found
        }
    }

    private static func adapters(in path: String, levels: Int) -> [String] {
        let files = FileManager.default
        if files.fileExists(atPath: "\(path)/\(AdapterFolder.configurationFile)") { return [path] }
        guard levels > 0, let entries = try? files.contentsOfDirectory(atPath: path) else { return [] }
        return entries.filter { !$0.hasPrefix(".") }.sorted().flatMap { adapters(in: "\(path)/\($0)", levels: levels - 1) }
    }

    func load(for model: LoadedModel) throws -> ExpertSet {
        let progress = ThrottledProgress("loading \(paths.count) experts")
        let sources = try paths.enumerated().map { index, path in
            progress.show(fraction: Double(index) / Double(paths.count))
            let adapter = try AdapterFolder.open(path)
            try adapter.checkFinite()
            return ExpertSource(
                name: URL(filePath: path).lastPathComponent, hash: try SHA256Digest(ofFileAt: adapter.weightsPath).hex,
                adapter: adapter)
        }
        Terminal.endProgress()
        return try ExpertSet.load(sources, for: model.weights, team: model.team)
    }
}

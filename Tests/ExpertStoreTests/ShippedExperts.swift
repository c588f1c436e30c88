import Digest
import Foundation
import Weights

/// The experts in the repository, the default model they were made for, and folders that disappear.
enum ShippedExperts {
    static var repository: URL {
        URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    static var folder: String { repository.appending(path: "experts/smollm2-135m-instruct").path }

    static func trunkPath() throws -> String {
        if let path = ProcessInfo.processInfo.environment["SKEIN_MODEL"] { return path }
        let path = repository.appending(path: "models/SmolLM2-135M-Instruct.Q4_1.gguf").path
        guard FileManager.default.fileExists(atPath: path) else { throw Missing() }
        return path
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String { "the default model is missing: run deploy/run-tests.sh, or set SKEIN_MODEL" }
    }

    static let trunkHash = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

    static func trunk() throws -> (configuration: ModelConfiguration, hash: SHA256Digest) {
        (try Checkpoint.open(trunkPath()).configuration, SHA256Digest(hex: trunkHash) ?? SHA256Digest(of: []))
    }
}

func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "experts-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

func copy(_ from: String, _ to: String) throws {
    try FileManager.default.createDirectory(
        at: URL(filePath: to).deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: from, toPath: to)
}

/// Replaces text in a file.
func edit(_ path: String, _ from: String, _ to: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: URL(filePath: path))
}

import Foundation
import Testing

/// Where the default model lies: SKEIN_MODEL, or `models/` in a folder above this file.
enum DefaultModel {
    static let name = "SmolLM2-135M-Instruct.Q4_1.gguf"

    static func path() throws -> String {
        if let path = ProcessInfo.processInfo.environment["SKEIN_MODEL"] { return path }
        var folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "models/\(name)").path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        throw Missing()
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String { "\(DefaultModel.name) not found: run deploy/run-tests.sh, or set SKEIN_MODEL" }
    }
}

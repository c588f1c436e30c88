import Foundation
import Testing

/// Real processes over real sockets. One suite at a time: each wants the cores to itself.
@Suite(.serialized, .timeLimit(.minutes(2))) enum ClusterTests {}

/// Where the things are that the tests run.
enum Places {
    /// The program: $SKEIN_EXECUTABLE, or the one built beside these tests.
    static func executable() throws -> String {
        try found("SKEIN_EXECUTABLE", ".build/release/skein", "build it: swift build -c release")
    }

    /// The default model: $SKEIN_MODEL, or models/ of the repository.
    static func model() throws -> String {
        try found("SKEIN_MODEL", "models/SmolLM2-135M-Instruct.Q4_1.gguf", "fetch it: deploy/fetch-model.sh")
    }

    /// The shipped experts of the default model: $SKEIN_EXPERTS, or experts/ of the repository.
    static func experts() throws -> String {
        try found("SKEIN_EXPERTS", "experts/smollm2-135m-instruct", "it is part of the repository")
    }

    private static func found(_ variable: String, _ path: String, _ advice: String) throws -> String {
        if let given = ProcessInfo.processInfo.environment[variable] { return given }
        var folder = URL(fileURLWithPath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let file = folder.appendingPathComponent(path).path
            if FileManager.default.fileExists(atPath: file) { return file }
        }
        throw Missing(description: "\(path) is not there; \(advice), or set \(variable)")
    }

    struct Missing: Error, CustomStringConvertible { let description: String }
}

import Foundation
import Inference
import Kernels
import Synchronization
import Weights

/// Models that several tests share, each loaded once.
enum TestModels {
    static let team = ComputeTeam(threads: 2)
    static let goldens = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Goldens")
    private static let loaded = Mutex<[String: LanguageModel]>([:])

    static func tiny(_ name: String, _ mode: ComputeMode = .exact) throws -> LanguageModel {
        try load(goldens.appending(path: "tiny/\(name)").path, mode)
    }

    /// SmolLM2-135M-Instruct; a test that needs it fails when it is missing.
    static func standard(_ mode: ComputeMode) throws -> LanguageModel { try load(try standardPath(), mode) }

    private static func load(_ path: String, _ mode: ComputeMode) throws -> LanguageModel {
        try loaded.withLock { models in
            let key = "\(mode.rawValue) \(path)"
            if let model = models[key] { return model }
            let model = try LanguageModel.load(try Checkpoint.open(path), mode: mode, team: team)
            models[key] = model
            return model
        }
    }

    static func standardPath() throws -> String {
        if let path = ProcessInfo.processInfo.environment["SKEIN_MODEL"] { return path }
        var folder = URL(filePath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let file = folder.appending(path: "models/SmolLM2-135M-Instruct.Q4_1.gguf").path
            if FileManager.default.fileExists(atPath: file) { return file }
        }
        throw MissingModel()
    }
}

struct MissingModel: Error, CustomStringConvertible {
    var description: String {
        "models/SmolLM2-135M-Instruct.Q4_1.gguf is missing; deploy/run-tests.sh fetches it, or set SKEIN_MODEL"
    }
}

/// `Goldens/default.json`.
struct DefaultGolden: Decodable {
    struct Case: Decodable {
        let name: String
        let prompt: [Int32]
        let tokens: [Int32]
    }
    struct Row: Decodable {
        let position: Int
        let topIDs: [Int]
        let topValues: [Float]
        let stride: Int
        let sample: [Float]
    }
    struct Scored: Decodable {
        let ids: [Int32]
        let meanNLL: Double
        let rows: [Row]
    }
    let cases: [Case]
    let score: Scored

    static func read() throws -> DefaultGolden {
        try JSONDecoder().decode(
            DefaultGolden.self, from: Data(contentsOf: TestModels.goldens.appending(path: "default.json")))
    }
}

/// `Goldens/tiny/NAME/golden.json`.
struct TinyGolden: Decodable {
    struct Row: Decodable {
        let position: Int
        let logits: [Float]
    }
    let ids: [Int32]
    let rows: [Row]

    static func read(_ name: String) throws -> TinyGolden {
        try JSONDecoder().decode(
            TinyGolden.self, from: Data(contentsOf: TestModels.goldens.appending(path: "tiny/\(name)/golden.json")))
    }
}

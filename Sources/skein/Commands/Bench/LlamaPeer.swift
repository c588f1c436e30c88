import Benchmarking
import Foundation

/// llama.cpp in a process of its own, through `Benchmarks/measure_llama_cpp.py --serve`; asked for one figure at a time.
final class LlamaPeer {
    private struct Ready: Decodable {
        let version: String
        /// What it measures; nil: llama.cpp, by llama-cpp-python.
        let program: String?
        /// Files, in the order of their numbers.
        let models: [String]
    }

    private struct Request: Encodable {
        let measure: String
        let model: Int
        let ids: [Int32]
        let count: Int
    }

    private struct Speed: Decodable { let tokensPerSecond: Double }

    private let process: PeerProcess
    /// For the files that the peer makes; gone with this object.
    private let scratch: URL
    let names: [String]
    let version: String

    /// Loading and requantising take seconds; one measurement with a large model, a while.
    private static let secondsToBeReady = 600
    private static let secondsPerFigure = 600

    init(python: String, _ options: EngineTrialOptions, contextTokens: Int) throws {
        scratch = FileManager.default.temporaryDirectory.appendingPathComponent("skein-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        let made = options.peerFiles.isEmpty ? ["--convert", options.model, scratch.path] : []
        let files = options.peerFiles.isEmpty ? [options.model] : options.peerFiles
        let limits = ["--threads", "\(options.threads)", "--context", "\(contextTokens)"]
        do {
            process = try PeerProcess(python, [options.peerScript, "--serve"] + limits + made + files)
            Terminal.progress("the peer loads its models")
            let ready = try process.read(Ready.self, withinSeconds: Self.secondsToBeReady)
            Terminal.endProgress()
            version = "\(ready.program ?? "llama-cpp-python") \(ready.version)"
            names = ready.models.map { "\(ready.program ?? "llama.cpp") \(Self.format(of: $0))" }
        } catch {
            try? FileManager.default.removeItem(at: scratch)
            throw error
        }
    }

    /// A program that speaks the same protocol, whatever it measures.
    ///
    /// - Parameter name: what its contestants are called, after what it calls them.
    init(python: String, arguments: [String], name: (String) -> String) throws {
        scratch = FileManager.default.temporaryDirectory.appendingPathComponent("skein-bench-\(UUID().uuidString)")
        process = try PeerProcess(python, arguments + ["--scratch", scratch.path])
        Terminal.progress("a peer loads")
        let ready = try process.read(Ready.self, withinSeconds: Self.secondsToBeReady)
        Terminal.endProgress()
        version = ready.version
        names = ready.models.map(name)
    }

    deinit { try? FileManager.default.removeItem(at: scratch) }

    /// Tokens per second.
    func prefill(_ model: Int, _ ids: [Int32]) throws -> Double { try ask("prefill", model, ids, ids.count) }

    /// Tokens per second.
    func decode(_ model: Int, _ ids: [Int32], _ count: Int) throws -> Double { try ask("decode", model, ids, count) }

    private func ask(_ measure: String, _ model: Int, _ ids: [Int32], _ count: Int) throws -> Double {
        let request = Request(measure: measure, model: model, ids: ids, count: count)
        return try process.ask(request, Speed.self, withinSeconds: Self.secondsPerFigure).tokensPerSecond
    }

    /// `Q8_0` of `folder/Name.Q8_0.gguf`; the file's name where it does not say.
    private static func format(of path: String) -> String {
        let parts = URL(fileURLWithPath: path).lastPathComponent.split(separator: ".")
        return String(parts.count >= 3 ? parts[parts.count - 2] : parts.first ?? "model")
    }
}

import Foundation
import Weights

/// The clusters of a trial whose model is a mixture of experts: all experts beside the trunk, and on two workers.
enum MixtureSite {
    static let names = ["local", "remote"]

    /// Whether the experts that are to be measured are the model's own.
    static func suits(_ options: BenchExperts) throws -> Bool {
        guard try Checkpoint.open(options.model).configuration.mixture != nil else { return false }
        guard options.copies == nil else {
            throw CommandFailure.usage("--copies is for low-rank experts; \(options.model) is a mixture of experts")
        }
        return true
    }

    static func experts(of options: BenchExperts) throws -> [String] {
        guard let mixture = try Checkpoint.open(options.model).configuration.mixture else { return [] }
        return mixture.layers.flatMap { layer in (0..<mixture.expertCount).map { "\(layer).\($0)" } }
    }

    static func yaml(_ name: String, _ options: BenchExperts) -> String {
        let cores = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let isLocal = name == "local"
        let workers = (0..<2).map { "  - {name: w\($0), threads: \(max(1, cores / 2)), experts: {model: m}}" }
        return """
            name: bench-\(name)
            router: {trunk: {models: [m], threads: \(cores), capacity: \(options.streams)}}
            models:
              - name: m
                file: "\(URL(filePath: options.model).path)"
                compute: \(options.compute)
                \(isLocal ? "" : "mixture: {placement: auto}")
            \(isLocal ? "" : "workers:\n" + workers.joined(separator: "\n"))
            """
    }
}

import Benchmarking
import Foundation
import Kernels

/// `skein bench --json`: the machine, and what was measured on it.
struct BenchReport: Encodable {
    let date = Date().ISO8601Format()
    let machine = Machine()
    var engine: EngineReport?
    var kernels: KernelReport?
    var wire: WireReport?
    var cluster: ClusterReport?
    var experts: ExpertsReport?
    var routing: RoutingSpeedReport?
    var training: TrainingSpeedReport?
    var graph: GraphReport?

    func show(json: Bool) throws {
        if json { return try JSONOutput.print(self) }
        let parts = [
            machine.lines, engine?.lines, kernels?.lines, wire?.lines, cluster?.lines, experts?.lines, routing?.lines,
            training?.lines, graph?.lines,
        ]
        print(parts.compactMap { $0?.joined(separator: "\n") }.joined(separator: "\n\n"))
    }

    static func decimals(_ value: Double, _ count: Int) -> String { String(format: "%.\(count)f", value) }

    /// Three digits or more, as many as a reader needs.
    static func number(_ value: Double) -> String {
        String(format: abs(value) < 10 ? "%.2f" : abs(value) < 100 ? "%.1f" : "%.0f", value)
    }
}

/// What the figures were taken on.
struct Machine: Encodable {
    let processor: String
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let memoryGiB = ProcessInfo.processInfo.physicalMemory >> 30
    let instructionSet = InstructionSet.best.rawValue

    init() {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    var lines: [String] { ["\(processor), \(cores) cores, \(memoryGiB) GiB, \(instructionSet)"] }
}

/// `bench engine`: tokens per second of each contestant, and ours over theirs.
struct EngineReport: Encodable {
    struct Contestant: Encodable {
        let name: String
        let median, min, max: Double
        /// Of each round.
        let tokensPerSecond: [Double]
    }

    struct Ratio: Encodable {
        let ours, theirs: String
        /// Of the rounds' ratios.
        let median, min, max: Double
    }

    struct Measure: Encodable {
        let name: String
        let contestants: [Contestant]
        let ratios: [Ratio]

        /// - Parameter ours: how many contestants, the first ones, are this program's.
        init(_ name: String, _ names: [String], ours: Int, _ rounds: Rounds) {
            self.name = name
            contestants = names.enumerated().map { index, name in
                let samples = rounds.samples(of: index)
                return Contestant(
                    name: name, median: samples.median, min: samples.min, max: samples.max,
                    tokensPerSecond: samples.values)
            }
            ratios = (0..<ours).flatMap { our in
                (ours..<names.count).map { their in
                    let samples = rounds.pairs(ours: our, theirs: their).ratios
                    return Ratio(
                        ours: names[our], theirs: names[their], median: samples.median, min: samples.min,
                        max: samples.max)
                }
            }
        }

        var lines: [String] {
            let rows = contestants.map { contestant in
                [contestant.name] + [contestant.median, contestant.min, contestant.max].map(BenchReport.number)
            }
            let over = ratios.map {
                "  \($0.ours) over \($0.theirs): \(BenchReport.number($0.median)) "
                    + "(\(BenchReport.number($0.min)) to \(BenchReport.number($0.max)))"
            }
            return TextColumns.aligned([[name, "median", "min", "max"]] + rows) + over
        }
    }

    let model: String
    let threads, rounds: Int
    /// What the peer is, and its version; nil without one.
    let peerVersion: String?
    let measures: [Measure]

    var lines: [String] {
        let peer = peerVersion.map { ", \($0)" } ?? ""
        return ["Tokens per second, \(model), \(threads) threads, \(rounds) rounds\(peer)"]
            + measures.flatMap { [""] + $0.lines }
    }
}

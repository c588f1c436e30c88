import Benchmarking

/// `bench cluster`: an answer through the cluster and the same one in this process.
struct ClusterReport: Encodable {
    struct Memory: Encodable {
        let residentMiB, peakMiB: Double
        /// Without mapped files, which processes share.
        let anonymousMiB: Double?
    }

    struct Comparison: Encodable {
        /// Medians.
        let cluster, inProcess: Double
        /// Medians of the rounds' differences and quotients, cluster less and over in process.
        let difference, ratio: Double
        let differenceMin, differenceMax, ratioMin, ratioMax: Double

        init(_ pairs: Pairs) {
            cluster = pairs.ours.median
            inProcess = pairs.theirs.median
            difference = pairs.differences.median
            differenceMin = pairs.differences.min
            differenceMax = pairs.differences.max
            ratio = pairs.ratios.median
            ratioMin = pairs.ratios.min
            ratioMax = pairs.ratios.max
        }
    }

    let topology: String
    let threads, rounds: Int
    /// Of each answer.
    let tokens: Int
    /// Only of a cluster that was launched for this.
    let coldStartMilliseconds: Double?
    let router: Memory?
    let firstTokenMilliseconds, tokensPerSecond: Comparison

    var lines: [String] {
        let (first, speed) = (firstTokenMilliseconds, tokensPerSecond)
        let rows = [
            ["", "cluster", "in process", "median of pairs", "range"],
            [
                "first token, ms", BenchReport.number(first.cluster), BenchReport.number(first.inProcess),
                "\(BenchReport.number(first.difference)) ms later",
                "\(BenchReport.number(first.differenceMin)) to \(BenchReport.number(first.differenceMax))",
            ],
            [
                "tokens/s", BenchReport.number(speed.cluster), BenchReport.number(speed.inProcess),
                "\(BenchReport.number(speed.ratio * 100)) %",
                "\(BenchReport.number(speed.ratioMin * 100)) to \(BenchReport.number(speed.ratioMax * 100))",
            ],
        ]
        let coldStart = coldStartMilliseconds.map { ["launched and ready in \(BenchReport.number($0)) ms"] } ?? []
        let memory =
            router.map {
                ["router: \(BenchReport.number($0.residentMiB)) MiB, at most \(BenchReport.number($0.peakMiB))"]
            }
            ?? []
        return [
            "\(topology), \(threads) threads on both sides, answers of \(tokens) tokens, \(rounds) pairs, the same tokens"
        ] + TextColumns.aligned(rows) + coldStart + memory
    }
}

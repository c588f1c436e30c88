import Benchmarking

/// `bench training`: seconds per step and peak memory of each contestant, and ours over theirs.
struct TrainingSpeedReport: Encodable {
    struct Contestant: Encodable {
        let name: String
        let secondsPerStep, min, max: Double
        let peakMebibytes: Double
        /// Of the first step: all begin from the trunk itself.
        let firstLoss: Double
        /// Ours over it: of the rounds' ratios, and of the peaks.
        let timeRatio, memoryRatio: Double

        init(_ name: String, _ index: Int, _ rounds: Rounds, first: TrainingSpeedTrial.Step, peaks: [Double]) {
            let samples = rounds.samples(of: index)
            self.name = name
            secondsPerStep = samples.median
            min = samples.min
            max = samples.max
            peakMebibytes = peaks[index]
            firstLoss = first.loss
            timeRatio = rounds.pairs(ours: 0, theirs: index).ratios.median
            memoryRatio = peaks[0] / peaks[index]
        }
    }

    let batch, block, rank, threads, rounds: Int
    let peers: [String]
    let contestants: [Contestant]

    var lines: [String] {
        let versions = peers.isEmpty ? "" : "; \(peers.joined(separator: ", "))"
        let head = ["a step", "s, median", "min", "max", "skein over it", "peak MiB", "skein over it", "first loss"]
        return [
            "Training, \(batch) x \(block) tokens, LoRA of rank \(rank), \(threads) threads, \(rounds) rounds\(versions)"
        ]
            + TextColumns.aligned(
                [head]
                    + contestants.map {
                        [
                            $0.name, BenchReport.number($0.secondsPerStep), BenchReport.number($0.min),
                            BenchReport.number($0.max), BenchReport.number($0.timeRatio),
                            BenchReport.number($0.peakMebibytes), BenchReport.number($0.memoryRatio),
                            BenchReport.decimals($0.firstLoss, 4),
                        ]
                    })
    }
}

import Benchmarking
import Charts

/// `bench routing`: tokens per second with the trunk alone, routed, and of peers.
struct RoutingSpeedReport: Encodable {
    struct Contestant: Encodable {
        let name: String
        let tokensPerSecond: Double
        /// The trunk's time is 1; of the rounds' ratios.
        let timeOverTrunk: Double
        /// phatgoose over it, of the rounds' ratios; nil for our own.
        let routedOver: Double?
    }

    struct Measure: Encodable {
        let name: String
        let contestants: [Contestant]

        init(_ name: String, _ names: [String], _ rounds: Rounds, ours: Int) {
            self.name = name
            contestants = names.indices.map { index in
                Contestant(
                    name: names[index], tokensPerSecond: rounds.samples(of: index).median,
                    timeOverTrunk: rounds.pairs(ours: 0, theirs: index).ratios.median,
                    routedOver: index < ours ? nil : rounds.pairs(ours: 1, theirs: index).ratios.median)
            }
        }

        var lines: [String] {
            TextColumns.aligned(
                [[name, "tokens/s", "time, trunk 1", "phatgoose over it"]]
                    + contestants.map {
                        [
                            $0.name, BenchReport.number($0.tokensPerSecond), BenchReport.number($0.timeOverTrunk),
                            $0.routedOver.map(BenchReport.number) ?? "",
                        ]
                    })
        }
    }

    struct Loading: Encodable {
        let adapters: Int
        let bytesOnDisk, bytesInMemory: Int
        let seconds: Double
        /// Of it, hashing every file.
        let verified: Bool
    }

    let compute: String
    let threads, rounds: Int
    let peers: [String]
    let counts: [Int]
    let prefill, decode: Measure
    var loading: Loading?

    var lines: [String] {
        let versions = peers.isEmpty ? "" : "; peers: \(peers.joined(separator: ", "))"
        var lines =
            ["Routing, \(compute), \(threads) threads, \(rounds) rounds\(versions)"] + prefill.lines + decode.lines
        if let loading {
            let ratio = Double(loading.bytesInMemory) / Double(loading.bytesOnDisk)
            lines.append(
                "\(loading.adapters) adapters of rank 8: \(BenchReport.number(loading.seconds)) s, verified; "
                    + "\(loading.bytesInMemory >> 20) MiB in memory, \(BenchReport.number(ratio)) of their "
                    + "\(loading.bytesOnDisk >> 20) MiB on disk")
        }
        return lines
    }

    /// Time over the trunk's by number of experts.
    var picture: SVGDocument {
        LinePlot(
            title: "What routing costs", subtitle: "time over the trunk's own, random gates, top-k 2, \(compute)",
            horizontal: "experts", values: counts.map(Double.init),
            lines: [prefill, decode].map { measure in
                (measure.name, measure.contestants[2..<2 + counts.count].map(\.timeOverTrunk))
            }
        ).picture
    }
}

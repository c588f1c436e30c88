import ArgumentParser
import Benchmarking
import Deciding
import RouterService
import Routing
import Topology

struct BenchGraph: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "What the graph of nodes costs a router, per query: the machinery, without any model.",
        discussion: """
            The routing core alone takes the events of whole queries: submitted, encoded, decided, answered in one token. `plain` asks a \
            model past the graph; `walk` goes through the master; `rewrite` has it word the query; `fan` asks three nodes at once.
            """)

    @Option(help: ArgumentHelp("The topology, with a master.", valueName: "file")) var topology =
        "topology/octopus.yaml"
    @Option(help: "Queries of each kind in a round.") var queries = 500
    @OptionGroup var rounds: RoundsOption
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (1...100_000).contains(queries) else {
            throw ValidationError("--queries is \(queries); it must be 1 ... 100000")
        }
    }

    func run() throws {
        let cluster = try ClusterTopology(contentsOf: topology)
        guard let trial = GraphTrial(cluster) else {
            throw CommandFailure.usage(
                "\(topology): has no master that hands to three nodes with models; give --topology")
        }
        var report = BenchReport()
        report.graph = trial.run(queries: queries, rounds: rounds.count)
        try report.show(json: json)
    }
}

/// `bench graph`: microseconds of the routing core for one query.
struct GraphReport: Encodable {
    struct Kind: Encodable {
        let kind: String
        /// Of the rounds' means.
        let medianMicroseconds, minMicroseconds, maxMicroseconds: Double
    }

    let nodes, queries, rounds: Int
    let kinds: [Kind]

    var lines: [String] {
        let rows = kinds.map { kind in
            [kind.kind]
                + [kind.medianMicroseconds, kind.minMicroseconds, kind.maxMicroseconds].map {
                    BenchReport.decimals($0, 1) + " us"
                }
        }
        return ["The graph's machinery per query, \(nodes) nodes, \(queries) queries in each of \(rounds) rounds"]
            + TextColumns.aligned([["query", "median", "min", "max"]] + rows)
    }
}

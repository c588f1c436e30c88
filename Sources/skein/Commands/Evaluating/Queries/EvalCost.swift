import ArgumentParser
import Deciding
import Foundation
import Topology
import Weights

struct EvalCost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost", abstract: "Shows quality against cost as a master's thresholds move.",
        discussion: """
            A query whose best node is under the threshold goes to the general node. Quality: the share of queries that the right \
            node answers or refuses. Cost: `cost:` of the nodes, in the topology. With --budget, the best threshold within it. The \
            second table moves the refusals' threshold: the higher, the less is refused.
            """)

    @Option(help: ArgumentHelp("The topology.", valueName: "file")) var topology = "topology/octopus.yaml"
    @Option(help: ArgumentHelp("The labelled queries.", valueName: "file"))
    var queries = "Benchmarks/queries/queries.tsv"
    @Option(help: "The master, where the topology has several.") var master: String?
    @Option(parsing: .unconditional, help: "The mean cost of a query that must not be exceeded.") var budget: Double?
    @Option(
        name: .customLong("cost"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A node's cost instead of the topology's; repeatable.", valueName: "node=cost"))
    var costs: [String] = []
    @Option(parsing: .unconditional, help: "Steps from threshold 0 to 1.") var steps = 20
    @Option(parsing: .unconditional, help: "Threads that compute.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    struct Report: Encodable {
        let topology, queriesFile: String
        let costs: [String: Double]
        let answering: [ThresholdSweep.CostPoint]
        let budget: Double?
        let best: ThresholdSweep.CostPoint?
        let refusals: [ThresholdSweep.RefusalPoint]
    }

    func validate() throws {
        guard (1...1000).contains(steps) else { throw ValidationError("--steps is \(steps); it must be 1 ... 1000") }
        if let budget, !(budget >= 0 && budget.isFinite) {
            throw ValidationError("--budget is \(budget); it must be 0 or more")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        let set = try QuerySet(path: queries)
        let trial = try MasterTrial(topology: topology, master: master, threads: threads)
        let prices = try prices(trial)
        let rules = try trial.rules(temperature: trial.folder.temperature)
        let sweep = ThresholdSweep(try QueriesRun(trial, set).sweepQueries, rules)
        let thresholds = (0...steps).map { Double($0) / Double(steps) }
        let points = sweep.costs(prices, at: thresholds)
        let report = Report(
            topology: topology, queriesFile: queries,
            costs: Dictionary(zip(trial.names, prices)) { first, _ in first }, answering: points, budget: budget,
            best: budget.flatMap { ThresholdSweep.best(points, budget: $0) }, refusals: sweep.refusals(at: thresholds))
        if json { return try JSONOutput.print(report) }
        show(report)
    }

    private func prices(_ trial: MasterTrial) throws -> [Double] {
        var prices = trial.nodes.map { node in node.map { $0.isRefusal ? 0 : Double($0.cost) } ?? 0 }
        for text in costs {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let cost = Double(parts[1]), cost >= 0, cost.isFinite else {
                throw CommandFailure.usage("--cost \(text): write NODE=COST, such as general=5")
            }
            guard let node = trial.names.firstIndex(of: parts[0]) else {
                throw CommandFailure.usage(
                    "--cost \(text): no node \(parts[0]); the master knows \(trial.names.joined(separator: ", "))")
            }
            prices[node] = cost
        }
        return prices
    }

    private func show(_ report: Report) {
        let rows = report.answering.map { point in
            [
                BenchReport.decimals(point.threshold, 3), QueriesReport.percent(point.quality),
                BenchReport.decimals(point.meanCost, 3), QueriesReport.percent(point.general),
            ]
        }
        print(TextColumns.aligned([["threshold", "right", "mean cost", "to general"]] + rows).joined(separator: "\n"))
        if let budget = report.budget {
            print(
                report.best.map {
                    "within \(budget): threshold \(BenchReport.decimals($0.threshold, 3)), "
                        + "\(QueriesReport.percent($0.quality)) right at \(BenchReport.decimals($0.meanCost, 3))"
                } ?? "within \(budget): no threshold; the least mean cost is above it")
        }
        print("")
        let refusals = report.refusals.map { point in
            [
                BenchReport.decimals(point.threshold, 3), QueriesReport.percent(point.refused),
                point.refusedRightly.map(QueriesReport.percent) ?? "-",
                point.refusedWrongly.map(QueriesReport.percent) ?? "-",
            ]
        }
        print(
            TextColumns.aligned([["refusals from", "refused", "of those to refuse", "of others"]] + refusals)
                .joined(separator: "\n"))
    }
}

import ArgumentParser
import Charts
import Deciding
import Evaluation
import Foundation

struct EvalQueries: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queries", abstract: "Measures how well a topology's master names the right node.",
        discussion: """
            Lines of the queries: node, tab, query. With --examples, what a master was trained on, two baselines learn from the same: \
            nearest neighbours over the trunk's states, and logistic regression on character n-grams. --recorded adds shares that \
            another program wrote down. Shares are of the untouched distribution, at the master's temperature.
            """)

    @Option(help: ArgumentHelp("The topology.", valueName: "file")) var topology = "topology/octopus.yaml"
    @Option(help: ArgumentHelp("The labelled queries.", valueName: "file"))
    var queries = "Benchmarks/queries/queries.tsv"
    @Option(help: "The master, where the topology has several.") var master: String?
    @Option(help: ArgumentHelp("What baselines learn from, JSON lines of token and query.", valueName: "file"))
    var examples: String?
    @Option(
        name: .customLong("recorded"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Another method's shares; repeatable.", valueName: "file"))
    var recorded: [String] = []
    @Option(parsing: .unconditional, help: "Neighbours that vote.") var neighbours = 10
    @Option(parsing: .unconditional, help: "Threads that compute.") var threads: Int?
    @Option(help: ArgumentHelp("Write the confusion matrix as a picture.", valueName: "file")) var svg: String?
    @Option(help: ArgumentHelp("Write the queries that the master got wrong.", valueName: "file")) var wrong: String?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (1...1000).contains(neighbours) else {
            throw ValidationError("--neighbours is \(neighbours); it must be 1 ... 1000")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        let set = try QuerySet(path: queries)
        let learnt = try examples.map(QueryExamples.init(path:))
        let records = try recorded.map { ($0, try RecordedShares.read($0)) }
        let trial = try MasterTrial(topology: topology, master: master, threads: threads)
        let run = try QueriesRun(trial, set)
        var methods = [run.masterMethod]
        if let learnt { methods += try run.baselines(learnt, neighbours: neighbours) }
        for (path, record) in records { methods.append(try run.recorded(record, path: path)) }
        let report = try run.report(topology: topology, methods)
        if let svg, let picture = report.picture { try OutputFile.write(picture.text, to: svg) }
        if let wrong { try OutputFile.write(run.mistakes, to: wrong) }
        if json { return try JSONOutput.print(report) }
        show(report)
    }

    private func show(_ report: QueriesReport) {
        print(report.table.joined(separator: "\n"))
        print("")
        print(report.nodeTable.joined(separator: "\n"))
        print("")
        let decided = report.decided
        print(
            "under the topology's rules: \(QueriesReport.percent(decided.accuracy)) right, \(decided.refused) refused, "
                + "\(decided.abstained) went to the general node for want of functional mass")
        print(
            "a decision takes \(BenchReport.decimals(report.overBarePrefill, 2)) times a bare prefill of the same tokens; "
                + "mean functional mass \(BenchReport.decimals(report.meanMass, 3))")
    }
}

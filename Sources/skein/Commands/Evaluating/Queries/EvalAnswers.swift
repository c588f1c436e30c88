import ArgumentParser
import Evaluation

struct EvalAnswers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answers",
        abstract: "Measures whether the right node answers better than the general one.",
        discussion: """
            JSON lines of {"node", "query", "answer"}: nats per token of the reference answer after the query, under the node and under \
            the general node, in pairs; intervals are 95 % bootstrap intervals over answers. Nodes that this process can run are \
            measured: models, adapters and routed models that share the general node's weights.
            """)

    @Option(help: ArgumentHelp("The topology.", valueName: "file")) var topology =
        "topology/octopus.yaml"
    @Option(help: ArgumentHelp("The reference answers.", valueName: "file")) var answers: String
    @Option(help: "The node that the others are compared with.") var general = "general"
    @Option(
        name: .customLong("max-tokens"), parsing: .unconditional,
        help: "Of each answer, its first N tokens.")
    var maxTokens = 128
    @Option(parsing: .unconditional, help: "Threads that compute.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    struct Node: Encodable {
        let node: String
        let own, general: MeanLoss
        /// The node minus the general one; below 0 the node is better.
        let difference: PairedDifference
        let wins: Bool
    }

    struct Report: Encodable {
        let topology, answersFile, general: String
        let nodes: [Node]
    }

    func validate() throws {
        guard (1...100_000).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 1 ... 100000")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        let references = try ReferenceAnswer.read(answers)
        let trial = try AnswerTrial(
            topology: topology, general: general, tokensMax: maxTokens, threads: threads)
        let bootstrap = Bootstrap()
        var nodes: [Node] = []
        var names: [String] = []
        for reference in references where !names.contains(reference.node) { names.append(reference.node) }
        for name in names {
            let own = references.filter { $0.node == name }
            let losses = try trial.losses(own, under: name)
            let others = try trial.losses(own, under: general)
            guard let mean = MeanLoss(losses, bootstrap: bootstrap),
                let other = MeanLoss(others, bootstrap: bootstrap),
                let difference = PairedDifference(losses, minus: others, bootstrap: bootstrap)
            else { continue }
            nodes.append(
                Node(
                    node: name, own: mean, general: other, difference: difference,
                    wins: difference.isSignificant && difference.mean < 0))
        }
        Terminal.endProgress()
        let report = Report(topology: topology, answersFile: answers, general: general, nodes: nodes)
        if json { return try JSONOutput.print(report) }
        let rows = nodes.map { node in
            [
                node.node, "\(node.own.documents)", BenchReport.decimals(node.own.perToken, 3),
                BenchReport.decimals(node.general.perToken, 3),
                BenchReport.decimals(node.difference.mean, 3),
                "\(BenchReport.decimals(node.difference.interval.low, 3)) to "
                    + BenchReport.decimals(node.difference.interval.high, 3), node.wins ? "yes" : "no",
            ]
        }
        print(
            TextColumns.aligned(
                [["node", "answers", "own", general, "difference", "95 %", "wins"]] + rows
            )
            .joined(separator: "\n"))
    }
}

import ArgumentParser
import Deciding
import Foundation
import PortableMath

struct EvalCascade: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cascade",
        abstract: "Fits how an answer's probability tells whether it is right, for a cascade edge's calibration.",
        discussion: """
            JSON lines of {"node", "query", "answer"}: the node answers each query, most likely token first, and is right where the \
            words of the reference occur in its answer, case and punctuation aside. Prints a and b of p = 1 / (1 + e^-(a l + b)), l being the mean \
            log-probability of the answer's tokens, for `calibration:` of the edge; fitted on all answers, and judged on halves that \
            the fit did not see, beside the uncalibrated e^l.
            """)

    @Option(help: ArgumentHelp("The topology.", valueName: "file")) var topology = "topology/octopus.yaml"
    @Option(help: ArgumentHelp("The reference answers.", valueName: "file")) var answers: String
    @Option(help: "The cheap node, whose answers are judged.") var node = "general"
    @Option(name: .customLong("max-tokens"), parsing: .unconditional, help: "Tokens of an answer at most.")
    var maxTokens = 64
    @Option(parsing: .unconditional, help: "Threads that compute.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    struct Judged: Encodable {
        /// Mean squared distance of the confidence from what came true, 0 or 1.
        let brier: Double
        /// Mean -ln of the probability of what came true.
        let nll: Double

        init(_ confidences: [(p: Double, isRight: Bool)]) {
            let count = Double(confidences.count)
            brier = confidences.reduce(0) { $0 + ($1.p - ($1.isRight ? 1 : 0)) * ($1.p - ($1.isRight ? 1 : 0)) } / count
            nll =
                confidences.reduce(0) {
                    $0 - Elementary.logarithm(max(1e-12, $1.isRight ? $1.p : 1 - $1.p))
                } / count
        }
    }

    struct Report: Encodable {
        let topology, answersFile, node: String
        let answers, right: Int
        let calibration: PlattScaling
        let calibrated, uncalibrated: Judged
    }

    func validate() throws {
        guard (1...4096).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 1 ... 4096")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        let references = try ReferenceAnswer.read(answers)
        let trial = try AnswerTrial(topology: topology, general: node, tokensMax: maxTokens, threads: threads)
        var examples: [PlattScaling.Example] = []
        for (index, reference) in references.enumerated() {
            Terminal.progress("\(node): answer \(index + 1) of \(references.count)")
            guard let said = try trial.answer(reference.query, under: node) else { continue }
            let isRight = Self.words(said.text).contains(Self.words(reference.answer))
            examples.append(.init(meanLogprob: said.meanLogprob, isRight: isRight))
        }
        Terminal.endProgress()
        guard let whole = PlattScaling.fit(examples), let unseen = Self.crossed(examples) else {
            throw CommandFailure.failed(
                "\(examples.count { $0.isRight }) of \(examples.count) answers are right; a fit needs both kinds, in each half: give "
                    + "more references")
        }
        let plain = examples.map { (p: Elementary.exponential($0.meanLogprob), isRight: $0.isRight) }
        let report = Report(
            topology: topology, answersFile: answers, node: node, answers: examples.count,
            right: examples.count { $0.isRight }, calibration: whole, calibrated: Judged(unseen),
            uncalibrated: Judged(plain))
        if json { return try JSONOutput.print(report) }
        show(report)
    }

    /// Each half's confidences by the fit of the other.
    private static func crossed(_ examples: [PlattScaling.Example]) -> [(p: Double, isRight: Bool)]? {
        let halves = [0, 1].map { half in examples.indices.filter { $0 % 2 == half }.map { examples[$0] } }
        guard let first = PlattScaling.fit(halves[0]), let second = PlattScaling.fit(halves[1]) else { return nil }
        return halves[1].map { (first.probability(meanLogprob: $0.meanLogprob), $0.isRight) }
            + halves[0].map { (second.probability(meanLogprob: $0.meanLogprob), $0.isRight) }
    }

    /// Whole words between blanks, so that 7 does not occur in 17.
    private static func words(_ text: String) -> String {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }
        return " \(words.joined(separator: " ")) "
    }

    private func show(_ report: Report) {
        let rows = [("calibrated", report.calibrated), ("uncalibrated", report.uncalibrated)].map { name, judged in
            [name, BenchReport.decimals(judged.brier, 4), BenchReport.decimals(judged.nll, 4)]
        }
        print("\(report.node): \(report.right) of \(report.answers) answers are right")
        print(TextColumns.aligned([["confidence", "Brier", "NLL"]] + rows).joined(separator: "\n"))
        print(
            "calibration: {a: \(BenchReport.decimals(report.calibration.a, 4)), b: "
                + "\(BenchReport.decimals(report.calibration.b, 4))}")
        if report.calibration.a < 0 {
            print("The likelier an answer, the less it is right here: no threshold of this node means anything.")
        }
    }
}

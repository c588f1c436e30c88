import Charts
import Evaluation

/// `skein eval queries --json`: by method its numbers, `master` among them, beside what was measured.
struct QueriesReport: Encodable {
    struct Milliseconds: Encodable {
        let median, p95: Double

        init?(_ values: [Double]) {
            guard !values.isEmpty else { return nil }
            let sorted = values.sorted()
            median = Quantile.of(sorted: sorted, 0.5)
            p95 = Quantile.of(sorted: sorted, 0.95)
        }
    }

    struct Method {
        let key, name: String
        let scores: ClassificationScores
        /// Of one decision; nil where another program decided.
        let latency: Milliseconds?
    }

    /// What the topology's rules make of the master's readings: masks, thresholds, the least functional mass.
    struct Decided: Encodable {
        let accuracy: Double
        let interval: [Double]
        let abstained, refused: Int
    }

    let topology, queriesFile, modelSHA256: String
    let nodes: [String]
    let queries: Int
    let temperature, meanMass: Double
    let methods: [Method]
    let decided: Decided
    /// Of the master's prefill over the bare trunk's on the same tokens, the median.
    let overBarePrefill: Double
    let barePrefill: Milliseconds?

    var table: [String] {
        let head = ["method", "accuracy", "95 %", "macro F1", "NLL", "Brier", "calibration", "ms"]
        let rows = methods.map { method in
            let scores = method.scores
            return [
                method.name, Self.percent(scores.accuracy.value),
                "\(Self.percent(scores.accuracy.low)) to \(Self.percent(scores.accuracy.high))",
                BenchReport.decimals(scores.macroF1.value, 3), BenchReport.decimals(scores.nll.value, 3),
                BenchReport.decimals(scores.brier.value, 3), BenchReport.decimals(scores.calibrationError.value, 3),
                method.latency.map { BenchReport.decimals($0.median, 2) } ?? "-",
            ]
        }
        return TextColumns.aligned([head] + rows)
    }

    /// The master, node by node.
    var nodeTable: [String] {
        guard let master = methods.first else { return [] }
        let rows = zip(nodes, master.scores.classes).map { name, score in
            guard let score else { return [name, "0", "-", "-", "-"] }
            return [
                name, "\(score.count)", Self.percent(score.accuracy.value),
                "\(Self.percent(score.accuracy.low)) to \(Self.percent(score.accuracy.high))",
                BenchReport.decimals(score.f1, 3),
            ]
        }
        return TextColumns.aligned([["node", "queries", "right", "95 %", "F1"]] + rows)
    }

    /// The master's confusion, in queries.
    var picture: SVGDocument? {
        guard let master = methods.first else { return nil }
        let most = master.scores.confusion.joined().max() ?? 1
        return HeatMap(
            title: "Which node the master names",
            subtitle: "rows: the right node; columns: the likeliest token; queries",
            columns: nodes, rows: zip(nodes, master.scores.confusion).map { ($0, $1.map(Double.init)) },
            scale: .rising(most: Double(most)), decimals: 0
        ).picture
    }

    static func percent(_ share: Double) -> String { BenchReport.decimals(100 * share, 1) + " %" }
}

extension QueriesReport {
    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private struct Numbers: Encodable {
        struct Intervals: Encodable {
            let accuracy, macroF1, nll, brier, calibrationError: [Double]
        }

        struct Node: Encodable {
            let node: String
            let queries: Int
            let accuracy, f1: Double
            let interval: [Double]
        }

        let accuracy, macroF1, nll, brier, calibrationError: Double
        let intervals: Intervals
        let nodes: [Node]
        let confusion: [[Int]]
        let latencyMilliseconds: Milliseconds?
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for method in methods { try container.encode(numbers(method), forKey: Key(method.key)) }
        try container.encode(topology, forKey: Key("topology"))
        try container.encode(queriesFile, forKey: Key("queriesFile"))
        try container.encode(modelSHA256, forKey: Key("modelSHA256"))
        try container.encode(nodes, forKey: Key("nodes"))
        try container.encode(queries, forKey: Key("queries"))
        try container.encode(temperature, forKey: Key("temperature"))
        try container.encode(meanMass, forKey: Key("meanFunctionalMass"))
        try container.encode(decided, forKey: Key("decided"))
        try container.encode(overBarePrefill, forKey: Key("overBarePrefill"))
        try container.encodeIfPresent(barePrefill, forKey: Key("barePrefillMilliseconds"))
    }

    private func numbers(_ method: Method) -> Numbers {
        let scores = method.scores
        func pair(_ estimate: Estimate) -> [Double] { [estimate.low, estimate.high] }
        return Numbers(
            accuracy: scores.accuracy.value, macroF1: scores.macroF1.value, nll: scores.nll.value,
            brier: scores.brier.value, calibrationError: scores.calibrationError.value,
            intervals: .init(
                accuracy: pair(scores.accuracy), macroF1: pair(scores.macroF1), nll: pair(scores.nll),
                brier: pair(scores.brier), calibrationError: pair(scores.calibrationError)),
            nodes: zip(nodes, scores.classes).compactMap { name, score in
                score.map {
                    .init(
                        node: name, queries: $0.count, accuracy: $0.accuracy.value, f1: $0.f1,
                        interval: pair($0.accuracy))
                }
            }, confusion: scores.confusion, latencyMilliseconds: method.latency)
    }
}

import Deciding
import Evaluation
import Inference
import Tokenization
import Weights

/// Every query read once by the master, then classified by the baselines.
struct QueriesRun {
    private let trial: MasterTrial
    private let set: QuerySet
    private let labels: [Int]
    private var readings: [MasterReading] = []
    private var masterTimes: [Double] = []
    private var bareTimes: [Double] = []

    init(_ trial: MasterTrial, _ set: QuerySet) throws {
        self.trial = trial
        self.set = set
        labels = try set.queries.map { try trial.label($0, in: set) }
        // Caches and pages are touched once before anything is timed.
        try trial.prefillBare(trial.read(set.queries[0].text).ids)
        for (index, query) in set.queries.enumerated() {
            Terminal.progress("reading queries: \(index + 1) of \(set.queries.count)")
            var read: MasterTrial.Read?
            masterTimes.append(try Self.milliseconds { read = try trial.read(query.text) })
            guard let read else { continue }
            readings.append(read.reading)
            bareTimes.append(try Self.milliseconds { try trial.prefillBare(read.ids) })
        }
        Terminal.endProgress()
    }

    private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body) / .milliseconds(1)
    }

    private var masterExamples: [ClassifiedExample] {
        zip(labels, readings).map {
            ClassifiedExample(label: $0, shares: $1.distribution(temperature: trial.folder.temperature))
        }
    }

    var masterMethod: QueriesReport.Method {
        .init(
            key: "master", name: "master", scores: ClassificationScores(masterExamples),
            latency: .init(masterTimes))
    }

    /// Right node, named node, its share, query.
    var mistakes: String {
        zip(set.queries, masterExamples).filter { !$1.isRight }.map { query, example in
            "\(query.node)\t\(trial.names[example.choice])\t\(BenchReport.decimals(example.confidence, 3))\t\(query.text)\n"
        }.joined()
    }

    func baselines(_ learnt: QueryExamples, neighbours: Int) throws -> [QueriesReport.Method] {
        let labelled = learnt.examples.compactMap { example in
            trial.folder.tokens.firstIndex { $0.text == example.token }.map { (text: example.query, label: $0) }
        }
        guard !labelled.isEmpty else { throw CommandFailure.usage("no example has a token of the master's") }
        let classes = trial.names.count
        let states = TrunkStates(trial.model)
        var vectors: [(vector: [Float], label: Int)] = []
        for (index, example) in labelled.enumerated() {
            Terminal.progress("states of examples: \(index + 1) of \(labelled.count)")
            vectors.append((try states.vector(example.text), example.label))
        }
        let nearest = NearestNeighbours(vectors, classes: classes, neighbours: neighbours)
        Terminal.progress("fitting n-grams")
        let regression = NgramRegression(labelled, classes: classes)
        Terminal.endProgress()
        return [
            try method("trunkNeighbours", "kNN, trunk states") { nearest.shares(try states.vector($0)) },
            try method("ngrams", "character n-grams") { regression.shares($0) },
        ]
    }

    private func method(
        _ key: String, _ name: String, _ shares: (String) throws -> [Double]
    ) throws -> QueriesReport.Method {
        var times: [Double] = []
        var examples: [ClassifiedExample] = []
        for (query, label) in zip(set.queries, labels) {
            var found: [Double] = []
            times.append(try Self.milliseconds { found = try shares(query.text) })
            examples.append(ClassifiedExample(label: label, shares: found))
        }
        return .init(key: key, name: name, scores: ClassificationScores(examples), latency: .init(times))
    }

    func recorded(_ record: RecordedShares, path: String) throws -> QueriesReport.Method {
        let shares = try record.shares(of: trial.names, path: path)
        let examples = try zip(set.queries, labels).map { query, label in
            guard let found = shares[query.text] else {
                throw CommandFailure.usage(
                    "\(path): no shares of \"\(query.text)\" (\(set.path), line \(query.line)); record it again")
            }
            return ClassifiedExample(label: label, shares: found)
        }
        return .init(key: record.method, name: record.method, scores: ClassificationScores(examples), latency: nil)
    }

    /// Where verdicts would lead, with every bound node up.
    private func decided() throws -> QueriesReport.Decided {
        let rules = try trial.rules(temperature: trial.folder.temperature)
        var (right, abstained, refused) = (0, 0, 0)
        for (label, reading) in zip(labels, readings) {
            // A node that the topology leaves out is answered for by the general one.
            let expected = rules.inPlay[label] ? label : rules.general
            switch Decision(reading, rules).verdict {
            case .go(let nodes, let reason):
                right += nodes.first == expected ? 1 : 0
                abstained += reason == .abstained ? 1 : 0
            case .refuse(let node):
                right += node == expected ? 1 : 0
                refused += 1
            case .nobody: break
            }
        }
        let interval = Wilson.interval(right: right, of: labels.count)
        return .init(
            accuracy: Double(right) / Double(labels.count), interval: [interval.low, interval.high],
            abstained: abstained, refused: refused)
    }

    func report(topology: String, _ methods: [QueriesReport.Method]) throws -> QueriesReport {
        let ratios = zip(masterTimes, bareTimes).map { $0 / max($1, 1e-6) }.sorted()
        return QueriesReport(
            topology: topology, queriesFile: set.path, modelSHA256: trial.folder.trunkSHA256, nodes: trial.names,
            queries: labels.count, temperature: trial.folder.temperature,
            meanMass: readings.reduce(0) { $0 + $1.mass } / Double(readings.count), methods: methods,
            decided: try decided(), overBarePrefill: Quantile.of(sorted: ratios, 0.5),
            barePrefill: .init(bareTimes))
    }

    /// For sweeps of thresholds.
    var sweepQueries: [ThresholdSweep.Query] { zip(readings, labels).map { .init($0, node: $1) } }
}

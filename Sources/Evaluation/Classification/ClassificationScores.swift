import PortableMath

/// A number and its 95 % interval.
package struct Estimate: Sendable, Equatable, Encodable {
    package let value: Double
    package let low: Double
    package let high: Double

    package init(_ value: Double, _ interval: Interval) {
        (self.value, low, high) = (value, interval.low, interval.high)
    }
}

/// How good a classifier's shares are on labelled examples. Intervals are 95 %: Wilson's for shares of right answers, else from the
/// bootstrap over examples.
package struct ClassificationScores: Sendable, Equatable, Encodable {
    package struct ClassScore: Sendable, Equatable, Encodable {
        /// Examples of the class.
        package let count: Int
        /// The share of them that is recognised.
        package let accuracy: Estimate
        package let f1: Double
    }

    package let count: Int
    package let accuracy: Estimate
    /// The mean of the classes' F1, over classes that have examples.
    package let macroF1: Estimate
    /// Nats per example.
    package let nll: Estimate
    package let brier: Estimate
    /// Expected calibration error over ten bins of equal width: Σ_bin |right - confidence| / n.
    package let calibrationError: Estimate
    /// By class; nil for one without examples.
    package let classes: [ClassScore?]
    /// [right class][chosen class]
    package let confusion: [[Int]]

    /// A share of 0 counts as this in the NLL.
    package static let shareMin = 1e-9

    /// - Parameter examples: not empty, all over the same classes.
    package init(_ examples: [ClassifiedExample], bootstrap: Bootstrap = Bootstrap(draws: 1000)) {
        precondition(!examples.isEmpty, "no examples")
        count = examples.count
        let right = examples.filter(\.isRight).count
        accuracy = Estimate(Double(right) / Double(count), Wilson.interval(right: right, of: count))
        func estimate(_ statistic: ([ClassifiedExample]) -> Double) -> Estimate {
            Estimate(statistic(examples), bootstrap.interval(of: examples, statistic))
        }
        let confusion = Self.confusion(examples)
        self.confusion = confusion
        macroF1 = estimate { Self.macroF1(Self.confusion($0)) }
        nll = estimate { Self.mean($0) { -Elementary.logarithm(max($0.shares[$0.label], Self.shareMin)) } }
        brier = estimate { Self.mean($0, \.brier) }
        calibrationError = estimate(Self.calibrationError)
        classes = confusion.indices.map { label in
            let own = confusion[label].reduce(0, +)
            guard own > 0 else { return nil }
            let hits = confusion[label][label]
            return ClassScore(
                count: own,
                accuracy: Estimate(Double(hits) / Double(own), Wilson.interval(right: hits, of: own)),
                f1: Self.f1(label, confusion))
        }
    }

    private static func mean(_ examples: [ClassifiedExample], _ value: (ClassifiedExample) -> Double) -> Double {
        examples.reduce(0) { $0 + value($1) } / Double(examples.count)
    }

    static func confusion(_ examples: [ClassifiedExample]) -> [[Int]] {
        let classes = examples[0].shares.count
        var table = Array(repeating: Array(repeating: 0, count: classes), count: classes)
        for example in examples { table[example.label][example.choice] += 1 }
        return table
    }

    private static func macroF1(_ confusion: [[Int]]) -> Double {
        let present = confusion.indices.filter { confusion[$0].contains { $0 > 0 } }
        return present.reduce(0) { $0 + f1($1, confusion) } / Double(present.count)
    }

    /// 2 hits / (examples of the class + choices of it).
    private static func f1(_ label: Int, _ confusion: [[Int]]) -> Double {
        let own = confusion[label].reduce(0, +)
        let chosen = confusion.reduce(0) { $0 + $1[label] }
        return own + chosen == 0 ? 0 : 2 * Double(confusion[label][label]) / Double(own + chosen)
    }

    static func calibrationError(_ examples: [ClassifiedExample]) -> Double {
        var gaps = Array(repeating: 0.0, count: 10)
        for example in examples {
            gaps[min(9, max(0, Int(example.confidence * 10)))] += (example.isRight ? 1 : 0) - example.confidence
        }
        return gaps.reduce(0) { $0 + $1.magnitude } / Double(examples.count)
    }
}

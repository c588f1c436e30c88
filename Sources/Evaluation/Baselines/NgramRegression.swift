import PortableMath

/// Multinomial logistic regression on character n-grams of 1 to 5, hashed to buckets: the plain classifier that a master must beat.
///
/// Words in lower case between blanks; each n-gram counts once, and the vector has unit length. Fitted by AdaGrad (Duchi and others,
/// 2011) in a fixed order from a seed, so that equal examples give equal weights.
package struct NgramRegression: Sendable {
    static let lengths = 1...5
    static let buckets = 1 << 16
    private static let rate: Float = 0.3
    private static let decay: Float = 1e-6

    /// [buckets + 1, classes]; the last row is the bias.
    private var weights: [Float]
    private let classes: Int

    /// - Parameter examples: not empty.
    package init(_ examples: [(text: String, label: Int)], classes: Int, epochs: Int = 12, seed: UInt64 = 1) {
        precondition(!examples.isEmpty && classes > 1)
        self.classes = classes
        weights = Array(repeating: 0, count: (Self.buckets + 1) * classes)
        var squares = Array(repeating: Float(1e-6), count: weights.count)
        let rows = examples.map { Self.features($0.text) }
        var generator = SplitMix64(seed: seed)
        var order = Array(rows.indices)
        for _ in 0..<epochs {
            for index in order.indices.dropFirst().reversed() {
                order.swapAt(index, Int(generator.next(below: UInt64(index + 1))))
            }
            for example in order { step(rows[example], examples[example].label, &squares) }
        }
    }

    package func shares(_ text: String) -> [Double] { Self.softmax(scores(Self.features(text))).map(Double.init) }

    private mutating func step(_ features: [(bucket: Int, value: Float)], _ label: Int, _ squares: inout [Float]) {
        let shares = Self.softmax(scores(features))
        for (bucket, value) in features {
            for other in 0..<classes {
                let place = bucket * classes + other
                let gradient = (shares[other] - (other == label ? 1 : 0)) * value + Self.decay * weights[place]
                squares[place] += gradient * gradient
                weights[place] -= Self.rate * gradient / squares[place].squareRoot()
            }
        }
    }

    private func scores(_ features: [(bucket: Int, value: Float)]) -> [Float] {
        var scores = [Float](repeating: 0, count: classes)
        for (bucket, value) in features {
            for label in 0..<classes { scores[label] += value * weights[bucket * classes + label] }
        }
        return scores
    }

    private static func softmax(_ scores: [Float]) -> [Float] {
        let top = scores.max() ?? 0
        let powers = scores.map { Float(Elementary.exponential(Double($0 - top))) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// Distinct buckets in ascending order, then the bias; all but the bias share length 1.
    static func features(_ text: String) -> [(bucket: Int, value: Float)] {
        var found: Set<Int> = []
        for word in text.lowercased().split(whereSeparator: \.isWhitespace) {
            let bytes = [0x20] + Array(word.utf8) + [0x20]
            for length in lengths where bytes.count >= length {
                for start in 0...bytes.count - length { found.insert(bucket(bytes[start..<start + length])) }
            }
        }
        let value = 1 / Float(max(1, found.count)).squareRoot()
        return found.sorted().map { ($0, value) } + [(buckets, 0.2)]
    }

    /// FNV-1a (Fowler, Noll, Vo), folded.
    private static func bucket(_ bytes: ArraySlice<UInt8>) -> Int {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int((hash ^ (hash >> 16)) & UInt32(buckets - 1))
    }
}

import PortableMath

/// What one prefill of the master says: the row of logits after a query, reduced to the functional tokens.
///
/// Index i is the node in the order of `functionalTokens`, everywhere in this target.
package struct MasterReading: Hashable, Sendable {
    /// One logit per node, as the master computed it.
    package let logits: [Float]
    /// The share of the whole vocabulary's probability that functional tokens hold, at temperature 1. Low: the master would rather
    /// have said something else, and the distribution among nodes means little.
    package let mass: Double

    package enum Failure: Error, Equatable {
        case noFunctionalToken
        /// A functional token's id is outside the row.
        case tokenOutsideVocabulary(node: Int, token: Int, vocabulary: Int)
        case notFinite(node: Int)
    }

    /// - Parameter row: logits over the vocabulary. A logit of -infinity is a token that cannot be; NaN counts likewise.
    package init(row: [Float], functionalTokens: [Int]) throws(Failure) {
        guard !functionalTokens.isEmpty else { throw .noFunctionalToken }
        var logits: [Float] = []
        for (node, token) in functionalTokens.enumerated() {
            guard row.indices.contains(token) else {
                throw .tokenOutsideVocabulary(node: node, token: token, vocabulary: row.count)
            }
            guard row[token].isFinite else { throw .notFinite(node: node) }
            logits.append(row[token])
        }
        let top = row.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
        func share(_ logit: Float) -> Double {
            logit.isFinite ? Elementary.exponential(Double(logit) - Double(top)) : 0
        }
        let whole = row.reduce(0.0) { $0 + share($1) }
        self.logits = logits
        // Summation order may leave the ratio an ulp above 1.
        mass = min(1, logits.reduce(0.0) { $0 + share($1) } / whole)
    }

    /// What another process read.
    package init(logits: [Float], mass: Double) {
        self.logits = logits
        self.mass = mass
    }

    /// softmax(z / T) over the nodes: before masks, biases and thresholds. This is what a trace keeps.
    package func distribution(temperature: Double) -> [Double] {
        precondition(temperature > 0, "a temperature is positive, not \(temperature)")
        return Softmax.of(logits.map { Double($0) / temperature })
    }
}

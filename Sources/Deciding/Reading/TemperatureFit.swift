import PortableMath

/// One temperature for a master (Guo and others, 2017): the T that minimises the mean negative log-likelihood of the right nodes.
///
/// With β = 1 / T that loss, mean(logsumexp(β z) - β z_y), is convex in β, so a golden-section search finds its minimum.
package enum TemperatureFit {
    package struct Example: Equatable, Sendable {
        /// One logit per node.
        package let logits: [Float]
        package let node: Int

        package init(logits: [Float], node: Int) {
            precondition(logits.indices.contains(node), "node \(node) of \(logits.count)")
            self.logits = logits
            self.node = node
        }
    }

    /// T is looked for here; a separable set would drive it to zero.
    package static let range = 0.05...20.0

    /// The fitted temperature, to 1e-6 in β; 1 without examples.
    package static func fit(_ examples: [Example]) -> Double {
        guard !examples.isEmpty else { return 1 }
        let ratio = 0.6180339887498949
        var (low, high) = (1 / range.upperBound, 1 / range.lowerBound)
        var inner = (high - ratio * (high - low), low + ratio * (high - low))
        var losses = (loss(examples, inverse: inner.0), loss(examples, inverse: inner.1))
        while high - low > 1e-6 {
            if losses.0 <= losses.1 {
                (high, inner.1, losses.1) = (inner.1, inner.0, losses.0)
                inner.0 = high - ratio * (high - low)
                losses.0 = loss(examples, inverse: inner.0)
            } else {
                (low, inner.0, losses.0) = (inner.0, inner.1, losses.1)
                inner.1 = low + ratio * (high - low)
                losses.1 = loss(examples, inverse: inner.1)
            }
        }
        return 2 / (low + high)
    }

    /// Mean negative log-likelihood of the right nodes, in nats.
    package static func loss(_ examples: [Example], temperature: Double) -> Double {
        loss(examples, inverse: 1 / temperature)
    }

    private static func loss(_ examples: [Example], inverse: Double) -> Double {
        let losses = examples.map { example in
            let scaled = example.logits.map { Double($0) * inverse }
            let top = scaled.max() ?? 0
            let sum = scaled.reduce(0.0) { $0 + Elementary.exponential($1 - top) }
            return top + Elementary.logarithm(sum) - scaled[example.node]
        }
        return losses.reduce(0, +) / Double(examples.count)
    }
}

import PortableMath

/// What PHATGOOSE gives the experts of a feed-forward layer for one token: what a fused model's router is refitted to.
///
/// PHATGOOSE chooses at gate and at up apart; a mixture chooses once. Of the scores of both, (ū · v̄) / √d, one row of shares is made:
///
///     softmax: p = softmax over all experts of (score_gate + score_up) / 2
///     kept:    p = mean of the two sites' weights, each a softmax over the k best
package struct FusedShares: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case softmax
        case kept
    }

    private let kind: Kind
    private let topK: Int
    private let width: Int
    /// v̄ of the experts at gate, then at up, [2][E][d], and Σ v̄.
    private let vectors: [[[Float]]]
    private let sums: [[Float]]

    package var experts: Int { vectors[0].count }

    /// - Parameters:
    ///   - gate, up: raw gate vectors by expert, [E][d]; nil scores 0.
    package init(
        gate: [[Float]?], up: [[Float]?], width: Int, topK: Int, kind: Kind
    ) throws(GateVectorError) {
        precondition(gate.count == up.count && (1...max(gate.count, 1)).contains(topK), "\(topK) of \(gate.count)")
        self.kind = kind
        self.topK = topK
        self.width = width
        var vectors: [[[Float]]] = []
        for side in [gate, up] {
            var rows: [[Float]] = []
            for vector in side {
                guard let vector else {
                    rows.append([Float](repeating: 0, count: width))
                    continue
                }
                precondition(vector.count == width, "a gate of \(vector.count) for inputs of \(width)")
                rows.append(try Standardisation.standardised(vector))
            }
            vectors.append(rows)
        }
        self.vectors = vectors
        sums = vectors.map { $0.map(Standardisation.sum) }
    }

    /// p, [E], of a token whose normed input is u, [d].
    package func shares(of u: Span<Float>) -> [Float] {
        let moments = InputMoments(of: u)
        let sides = vectors.indices.map { side in
            vectors[side].indices.map { score(u, moments, vectors[side][$0], sums[side][$0]) }
        }
        switch kind {
        case .softmax: return Self.softmax(zip(sides[0], sides[1]).map { ($0 + $1) / 2 }, keeping: experts)
        case .kept:
            let (gate, up) = (Self.softmax(sides[0], keeping: topK), Self.softmax(sides[1], keeping: topK))
            return zip(gate, up).map { ($0 + $1) / 2 }
        }
    }

    private func score(_ u: Span<Float>, _ moments: InputMoments, _ vector: [Float], _ sum: Float) -> Double {
        var dot = 0.0
        for index in 0..<width { dot += Double(u[index]) * Double(vector[index]) }
        let deviation = (Double(moments.variance) + Double(Standardisation.epsilon)).squareRoot()
        return (dot - Double(moments.mean) * Double(sum)) / (deviation * Double(width).squareRoot())
    }

    /// Softmax over the best; ties go to the lower id, the others get 0.
    private static func softmax(_ scores: [Double], keeping count: Int) -> [Float] {
        let best = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(count)
        let most = best.first.map { scores[$0] } ?? 0
        var shares = [Double](repeating: 0, count: scores.count)
        for index in best { shares[index] = Elementary.exponential(scores[index] - most) }
        let sum = shares.reduce(0, +)
        return shares.map { Float($0 / sum) }
    }
}

import Kernels

/// Top-p (nucleus) sampling: the smallest set of most likely tokens whose probability reaches p.
/// Source: Holtzman et al., "The curious case of neural text degeneration", arXiv:1904.09751, equation 2.
package enum Nucleus {
    /// Thresholds on weights, steps of 4, then everything: only tokens above the first that suffices are sorted.
    private static let floors: [Float] = (1...16).map { 1 / Float(1 << (2 * $0)) } + [0]

    /// The nucleus of a whole row, ranked, with weights as values.
    package static func gather(_ weights: TokenWeights, topP: Float, into kept: inout [Candidate]) {
        let goal = Double(topP) * weights.total
        for floor in floors {
            collect(weights, atLeast: floor, into: &kept)
            guard floor == 0 || kept.reduce(0, { $0 + Double($1.value) }) >= goal else { continue }
            kept.sort(by: Candidate.precedes)
            if truncate(&kept, reaching: goal) { return }
        }
    }

    /// The tokens whose weight reaches `floor`, in the order of ids.
    package static func collect(_ weights: TokenWeights, atLeast floor: Float, into kept: inout [Candidate]) {
        let weights = weights.values.span
        kept.removeAll(keepingCapacity: true)
        for id in weights.indices where weights[id] >= floor {
            kept.append(Candidate(id: Int32(truncatingIfNeeded: id), value: weights[id]))
        }
    }

    /// Cuts candidates ranked by weight after the one that reaches `goal`; false when all of them together do not.
    @discardableResult
    package static func truncate(_ ranked: inout [Candidate], reaching goal: Double) -> Bool {
        var sum = 0.0
        for index in ranked.indices {
            sum += Double(ranked[index].value)
            if sum >= goal {
                ranked.removeSubrange((index + 1)...)
                return true
            }
        }
        return false
    }
}

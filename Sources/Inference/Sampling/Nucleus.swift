/// Top-p (nucleus) sampling: the smallest set of most likely tokens whose probability reaches p.
/// Source: Holtzman et al., "The curious case of neural text degeneration", arXiv:1904.09751, equation 2.
package enum Nucleus {
    /// The nucleus of a whole row, without sorting the row: only tokens above a falling threshold are sorted,
    /// and a few dozen usually suffice.
    package static func gather(_ logits: Span<Float>, topP: Float, _ weight: Weight, into kept: inout [Candidate]) {
        var total = 0.0
        for id in logits.indices { total += weight(logits[id]) }
        let goal = Double(topP) * total
        // e^-5, e^-10, … of the most likely token's weight; then everything.
        for step in 1...8 {
            let floor = step == 8 ? -Float.infinity : Float(weight.maximum - 5 * Double(step) * weight.temperature)
            collect(logits, atLeast: floor, into: &kept)
            kept.sort(by: Candidate.precedes)
            if truncate(&kept, reaching: goal, weight) { return }
        }
    }

    private static func collect(_ logits: Span<Float>, atLeast floor: Float, into kept: inout [Candidate]) {
        kept.removeAll(keepingCapacity: true)
        for id in logits.indices where logits[id] >= floor {
            kept.append(Candidate(id: Int32(truncatingIfNeeded: id), value: logits[id]))
        }
    }

    /// Cuts ranked candidates after the one that reaches `goal`; false when all of them together do not.
    @discardableResult
    package static func truncate(_ ranked: inout [Candidate], reaching goal: Double, _ weight: Weight) -> Bool {
        var sum = 0.0
        for index in ranked.indices {
            sum += weight(ranked[index].value)
            if sum >= goal {
                ranked.removeSubrange((index + 1)...)
                return true
            }
        }
        return false
    }
}

import PortableMath

extension LayerGate {
    /// The k experts of one token, best first, and their weights.
    ///
    /// logits: [E], W x in f32. Of equal scores the lower id is first. Sums run in ascending id over all experts and in rank over those
    /// chosen, so that the bits depend on this token alone. Throws for a logit that is not finite.
    package func choose(_ logits: Span<Float>) throws(LayerGateError) -> LayerChoice {
        let scores = try scores(logits)
        var ranking = scores
        for expert in choiceBias.indices { ranking[expert] += choiceBias[expert] }
        if let groups { forbidOthers(groups, &ranking) }
        let chosen = Self.best(topK, of: ranking)
        return LayerChoice(experts: chosen.map { Int32($0) }, weights: weights(chosen.map { scores[$0] }))
    }

    private func scores(_ logits: Span<Float>) throws(LayerGateError) -> [Float] {
        guard logits.count == expertCount else {
            throw LayerGateError(field: "logits", problem: "are \(logits.count) for \(expertCount) experts")
        }
        var values: [Float] = []
        values.reserveCapacity(expertCount)
        for expert in 0..<expertCount {
            guard logits[expert].isFinite else {
                throw LayerGateError(
                    field: "logits", problem: "hold \(logits[expert]) for expert \(expert); check the router's weights")
            }
            values.append(logits[expert])
        }
        switch score {
        case .softmax: return Self.softmax(values)
        case .sigmoid: return values.map(Self.sigmoid)
        case .softmaxOfChosen: return values
        }
    }

    /// From the scores of those chosen, by rank: w = scale · s / Σ s, the sum only where the family renormalises.
    private func weights(_ chosen: [Float]) -> [Float] {
        var weights = score == .softmaxOfChosen ? Self.softmax(chosen) : chosen
        if renormalises {
            // The 1e-20 of DeepSeek-V3 keeps k sigmoids of 0 from dividing by 0; it is below half a unit in the last place elsewhere.
            let sum = weights.reduce(0, +) + 1e-20
            for rank in weights.indices { weights[rank] /= sum }
        }
        return scale == 1 ? weights : weights.map { $0 * scale }
    }

    /// Sets experts outside the best groups to -∞.
    private func forbidOthers(_ groups: Groups, _ ranking: inout [Float]) {
        let width = expertCount / groups.count
        let groupScores = (0..<groups.count).map { group -> Float in
            let members = Array(ranking[group * width..<(group + 1) * width])
            let best = Self.best(groups.score == .max ? 1 : 2, of: members)
            return best.reduce(0) { $0 + members[$1] }
        }
        let kept = Set(Self.best(groups.kept, of: groupScores))
        for expert in ranking.indices where !kept.contains(expert / width) { ranking[expert] = -.infinity }
    }

    /// Places of the `count` greatest, greatest first; of equal ones the lower place first.
    static func best(_ count: Int, of values: [Float]) -> [Int] {
        var places: [Int] = []
        places.reserveCapacity(count + 1)
        for place in values.indices {
            if places.count == count, let last = places.last, !(values[place] > values[last]) { continue }
            let rank = places.firstIndex { values[place] > values[$0] } ?? places.count
            places.insert(place, at: rank)
            if places.count > count { places.removeLast() }
        }
        return places
    }

    static func softmax(_ values: [Float]) -> [Float] {
        let top = values.max() ?? 0
        var parts = values.map { Elementary.exponential($0 - top) }
        let sum = parts.reduce(0, +)
        for place in parts.indices { parts[place] /= sum }
        return parts
    }

    package static func sigmoid(_ x: Float) -> Float {
        let part = Elementary.exponential(-abs(x))
        return (x >= 0 ? 1 : part) / (1 + part)
    }
}

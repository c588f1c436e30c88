/// How far the experts that tokens of one group get differ from an even spread: groups are token ids, or positions (OpenMoE, section 4).
///
/// Bounded: beyond `groupsMax` groups, tokens of new ones are counted and otherwise ignored.
package struct Specialisation: Sendable, Equatable {
    package let expertCount: Int
    package let groupsMax: Int
    /// Tokens of groups that found no room.
    package private(set) var ignoredTokens = 0
    /// By group: tokens, and how many of them each expert got.
    private var groups: [Int32: Group] = [:]

    fileprivate struct Group: Sendable, Equatable {
        var tokens = 0
        var assignments = 0
        var rows: [Int32]

        /// The expert's share of the group's assignments.
        func share(_ expert: Int) -> Double { Double(rows[expert]) / Double(assignments) }
    }

    package init(experts: Int, groupsMax: Int = 1 << 16) {
        precondition((1...LayerGate.expertsMax).contains(experts) && groupsMax > 0)
        expertCount = experts
        self.groupsMax = groupsMax
    }

    package mutating func add(_ experts: [Int32], group: Int32) {
        guard groups[group] != nil || groups.count < groupsMax else {
            ignoredTokens += 1
            return
        }
        groups[group, default: Group(rows: [Int32](repeating: 0, count: expertCount))].add(experts)
    }

    /// What the groups with more than `tokensAbove` tokens say.
    package struct Spread: Sendable, Equatable {
        package let groups: Int
        package let tokens: Int
        /// Mean over groups of √(mean_e (s_e - 1/E)²), s_e the expert's share of the group's assignments.
        package let deviation: Double
        /// The same for choices that do not depend on the group at all and are even: √((k/E)(1 - k/E) / (n k²)) of n tokens.
        package let evenDeviation: Double
    }

    /// nil where no group has more than `tokensAbove` tokens.
    package func spread(tokensAbove: Int) -> Spread? {
        let seen = groups.filter { $0.value.tokens > tokensAbove && $0.value.assignments > 0 }.sorted {
            $0.key < $1.key
        }
        guard !seen.isEmpty else { return nil }
        var (deviation, even) = (0.0, 0.0)
        for (_, group) in seen {
            deviation += group.deviation(expertCount)
            even += group.evenDeviation(expertCount)
        }
        return Spread(
            groups: seen.count, tokens: seen.reduce(0) { $0 + $1.value.tokens },
            deviation: deviation / Double(seen.count), evenDeviation: even / Double(seen.count))
    }

    /// The groups that an expert got most tokens of, most first; of equal ones the lower id first.
    package func top(_ count: Int, of expert: Int) -> [(group: Int32, tokens: Int)] {
        let ranked = groups.compactMap { id, group in
            group.rows[expert] > 0 ? (group: id, tokens: Int(group.rows[expert])) : nil
        }
        return Array(ranked.sorted { ($1.tokens, $0.group) < ($0.tokens, $1.group) }.prefix(count))
    }

    /// Σ_e min(s_e, s'_e) of the groups that both have seen more than `tokensAbove` tokens of, mean over groups: 1 is the same routing. For
    /// two checkpoints on the same text. nil where there is no such group.
    package func overlap(with other: Specialisation, tokensAbove: Int) -> Double? {
        precondition(other.expertCount == expertCount, "\(expertCount) and \(other.expertCount) experts")
        var (sum, count) = (0.0, 0)
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) {
            guard let theirs = other.groups[id], group.tokens > tokensAbove, theirs.tokens > tokensAbove,
                group.assignments > 0, theirs.assignments > 0
            else { continue }
            sum += (0..<expertCount).reduce(0) { $0 + min(group.share($1), theirs.share($1)) }
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }
}

extension Specialisation.Group {
    fileprivate mutating func add(_ experts: [Int32]) {
        tokens += 1
        assignments += experts.count
        for expert in experts { rows[Int(expert)] += 1 }
    }

    fileprivate func deviation(_ experts: Int) -> Double {
        let even = 1 / Double(experts)
        let sum = (0..<experts).reduce(0.0) { $0 + (share($1) - even) * (share($1) - even) }
        return (sum / Double(experts)).squareRoot()
    }

    fileprivate func evenDeviation(_ experts: Int) -> Double {
        let k = Double(assignments) / Double(tokens)
        let share = k / Double(experts)
        return (share * (1 - share) / (Double(tokens) * k * k)).squareRoot()
    }
}

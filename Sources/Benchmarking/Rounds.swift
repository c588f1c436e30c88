/// Contestants that take turns: in every round each of them once, in the same order. The first rounds warm up and are not
/// counted.
package struct Rounds: Sendable {
    /// One measurement to make.
    package struct Turn: Equatable, Sendable {
        package let contestant: Int
        package let isWarmUp: Bool
    }

    package let contestants: Int
    package let turns: [Turn]
    private var values: [[Double]]

    package init(contestants: Int, count: Int, warmUps: Int = 1) {
        precondition(contestants >= 1 && count >= 1 && warmUps >= 0, "\(contestants) contestants in \(count) rounds")
        self.contestants = contestants
        values = Array(repeating: [], count: contestants)
        turns = (0..<warmUps + count).flatMap { round in
            (0..<contestants).map { Turn(contestant: $0, isWarmUp: round < warmUps) }
        }
    }

    package mutating func record(_ value: Double, of turn: Turn) {
        if !turn.isWarmUp { values[turn.contestant].append(value) }
    }

    /// What was recorded of a contestant.
    package func samples(of contestant: Int) -> Samples { Samples(values[contestant]) }

    package func pairs(ours: Int, theirs: Int) -> Pairs { Pairs(ours: values[ours], theirs: values[theirs]) }
}

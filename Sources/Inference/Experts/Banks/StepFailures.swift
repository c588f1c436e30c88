/// Sequences that cannot go on, and why.
struct StepFailures {
    private var sequences: Set<SequenceID> = []
    private var message = ""

    mutating func add(_ sequence: SequenceID, _ text: @autoclosure () -> String) {
        if sequences.isEmpty { message = text() }
        sequences.insert(sequence)
    }

    /// Adds another's, which are gone there.
    mutating func take(from other: inout StepFailures) {
        guard !other.sequences.isEmpty else { return }
        if sequences.isEmpty { message = other.message }
        sequences.formUnion(other.sequences)
        other.sequences.removeAll()
    }

    mutating func removeAll() { if !sequences.isEmpty { sequences.removeAll() } }

    /// What happened at the group that has just ended.
    mutating func take() -> ExpertBankError? {
        guard !sequences.isEmpty else { return nil }
        defer { sequences.removeAll() }
        return ExpertBankError(sequences: sequences, message: message)
    }
}

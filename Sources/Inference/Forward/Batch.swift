import Kernels

/// The rows of one step.
struct Batch {
    /// [rows]
    var tokens: [Int32] = []
    /// [rows]
    var origins: [RowOrigin] = []
    /// Which rows belong to which sequence, and where their keys and values are.
    var runs: [SequenceRun] = []
    /// Rows whose logits are wanted, ascending; logits row i belongs to batch row wanted[i].
    var wanted: [Int] = []

    var rows: Int { tokens.count }

    mutating func removeAll() {
        tokens.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
    }

    /// Appends tokens at positions start ..< start + count of one sequence.
    mutating func append(
        _ sequence: SequenceID, _ newTokens: ArraySlice<Int32>, start: Int, pages: [Int32], wantsLast: Bool,
        wantsAll: Bool = false
    ) {
        runs.append(
            SequenceRun(pages: pages, firstRow: tokens.count, rows: newTokens.count, firstPosition: start))
        for (offset, token) in newTokens.enumerated() {
            tokens.append(token)
            origins.append(RowOrigin(sequence: sequence, position: Int32(start + offset)))
        }
        if wantsAll {
            wanted += tokens.count - newTokens.count..<tokens.count
        } else if wantsLast {
            wanted.append(tokens.count - 1)
        }
    }
}

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
    /// Whole prompts, where an expert's capacity is counted over them.
    var prompts: [PromptRows] = []

    var rows: Int { tokens.count }

    mutating func removeAll() {
        tokens.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
        prompts.removeAll(keepingCapacity: true)
    }

    /// Appends tokens at positions start ..< start + count of one sequence.
    /// - Parameter wholePrompt: tokens of its prompt, all of which are in the batch that has the first; nil without a capacity.
    mutating func append(
        _ sequence: SequenceID, _ newTokens: ArraySlice<Int32>, start: Int, pages: [Int32],
        wantsLast: Bool,
        wantsAll: Bool = false, wholePrompt: Int? = nil
    ) {
        if let wholePrompt, start < wholePrompt {
            precondition(
                start == 0 && newTokens.count >= wholePrompt,
                "a prompt of \(wholePrompt) begins in pieces at \(start)")
            prompts.append(PromptRows(rows: tokens.count..<tokens.count + wholePrompt))
        }
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

/// The rows of one request's whole prompt in a batch.
struct PromptRows {
    let rows: Range<Int>
}

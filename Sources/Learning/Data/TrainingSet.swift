import Inference

/// What a run learns from and what it is measured on.
///
/// Running text is joined, each text followed by the separator, and cut into blocks of equal length. A conversation is a block of its own,
/// and never cut: what an answer depends on would be lost.
package struct TrainingSet: Sendable {
    package let train: [TrainingBlock]
    package let held: [TrainingBlock]

    package var trainTargets: Int { train.reduce(0) { $0 + $1.targetCount } }
    package var heldTargets: Int { held.reduce(0) { $0 + $1.targetCount } }
    var heldTargetWeight: Double { held.reduce(0) { $0 + $1.targetWeight } }

    package init(train: [TrainingBlock], held: [TrainingBlock]) {
        self.train = train
        self.held = held
    }

    /// Lines that name a split decide it. Otherwise the share is held out by documents, or, where they are too few, from the end of the
    /// blocks.
    ///
    /// - Parameters:
    ///   - block: tokens in a block.
    ///   - heldShare: in 0 ..< 1.
    ///   - heldTokensMax: of what is held out only so many tokens are measured on.
    package init(
        _ documents: [TrainingDocument], block: Int, heldShare: Double, heldTokensMax: Int, seed: UInt64, place: String
    ) throws(LearningError) {
        precondition(block > 1 && (0..<1).contains(heldShare), "blocks of \(block), share \(heldShare)")
        let count = Int((Double(documents.count) * heldShare).rounded())
        var train: [TrainingBlock]
        var held: [TrainingBlock]
        if documents.contains(where: { $0.isHeld != nil }) {
            train = try Self.blocks(documents.filter { $0.isHeld != true }, block)
            held = try Self.blocks(documents.filter { $0.isHeld == true }, block)
        } else if count > 0 {
            let order = DataOrder.permutation(documents.count, seed: seed, epoch: -1)
            let out = Set(order.prefix(count))
            train = try Self.blocks(documents.indices.filter { !out.contains($0) }.map { documents[$0] }, block)
            held = try Self.blocks(out.sorted().map { documents[$0] }, block)
        } else {
            train = try Self.blocks(documents, block)
            let count = heldShare > 0 ? max(1, Int((Double(train.count) * heldShare).rounded())) : 0
            held = Array(train.suffix(count))
            train.removeLast(min(count, train.count))
        }
        guard !train.isEmpty, !held.isEmpty || heldShare == 0 else {
            let tokens = documents.reduce(0) { $0 + $1.tokens.count }
            throw LearningError(
                .tooLittle, place,
                "\(documents.count) documents of \(tokens) tokens in all; a run needs at least a block of \(block) tokens to "
                    + "learn from and one to hold out: give more text, a smaller --block, or --held-share 0")
        }
        self.train = train
        self.held = Self.first(held, tokensMax: heldTokensMax)
    }

    private static func blocks(_ documents: [TrainingDocument], _ size: Int) throws(LearningError) -> [TrainingBlock] {
        var blocks: [TrainingBlock] = []
        var (tokens, weights): ([Int32], [Float]) = ([], [])
        for document in documents {
            if document.isText {
                tokens += document.tokens
                weights += document.weights
                continue
            }
            guard document.tokens.count <= size else {
                throw LearningError(
                    .tooLong, document.place,
                    "\(document.tokens.count) tokens, and a conversation is not cut: give --block \(document.tokens.count) or more "
                        + "(at most the model's context), or shorten it")
            }
            let block = TrainingBlock(tokens: document.tokens, weights: document.weights)
            guard block.targetCount > 0 else {
                throw LearningError(.malformed, document.place, "has no answer to learn from")
            }
            blocks.append(block)
        }
        for start in stride(from: 0, to: tokens.count, by: size) {
            let end = min(start + size, tokens.count)
            // The last, shorter one counts only where there is no other.
            guard end - start == size || (start == 0 && end > 1) else { break }
            blocks.append(TrainingBlock(tokens: Array(tokens[start..<end]), weights: Array(weights[start..<end])))
        }
        return blocks
    }

    private static func first(_ blocks: [TrainingBlock], tokensMax: Int) -> [TrainingBlock] {
        var tokens = 0
        return Array(
            blocks.prefix { block in
                defer { tokens += block.tokens.count }
                return tokens == 0 || tokens + block.tokens.count <= tokensMax
            })
    }
}

import Weights

extension Parameters {
    /// Sets the new rows from `start` on.
    ///
    /// - Parameters:
    ///   - embedding: [rows, hidden]
    ///   - head: likewise; nil where the trunk ties the two.
    package func setRows(from start: Int, embedding: [Float], head: [Float]?, width: Int) {
        precondition(embedding.count % width == 0 && start + embedding.count / width <= newRows, "rows of \(width)")
        for (index, value) in embedding.enumerated() { values.base[embeddingRows + start * width + index] = value }
        for (index, value) in (head ?? []).enumerated() { values.base[headRows + start * width + index] = value }
    }

    /// [newRows, hidden] each; the head's nil where the trunk ties the two.
    package func rows(width: Int) -> (embedding: [Float], head: [Float]?) {
        let count = newRows * width
        let embedding = Array(UnsafeBufferPointer(start: values.base + embeddingRows, count: count))
        guard headRows != embeddingRows else { return (embedding, nil) }
        return (embedding, Array(UnsafeBufferPointer(start: values.base + headRows, count: count)))
    }

    /// How many of the trained parameters, which they lead, are new rows.
    var trainedRowPlaces: Int {
        entries.filter {
            isTrained($0.offset) && ($0.name == ParameterName.embedding || $0.name == ParameterName.head)
        }.reduce(0) { $0 + $1.count }
    }

    /// The places of the first `count` new rows, for `TrainingRun(fixed:)`.
    package func places(ofFirstRows count: Int, width: Int) -> [Range<Int>] {
        guard count > 0 else { return [] }
        let starts = headRows == embeddingRows ? [embeddingRows] : [embeddingRows, headRows]
        return starts.map { $0..<$0 + count * width }
    }
}

extension FrozenTrunk {
    /// Where a new row may start: the mean of the rows of some tokens, of the embedding and of the head (nil where they are tied).
    package func meanRows(of tokens: [Int32]) -> (embedding: [Float], head: [Float]?) {
        (Self.mean(embedding, tokens), configuration.tiedEmbeddings ? nil : Self.mean(head, tokens))
    }

    private static func mean(_ matrix: FrozenMatrix, _ tokens: [Int32]) -> [Float] {
        var sum = [Float](repeating: 0, count: matrix.columns)
        sum.withUnsafeMutableBufferPointer { sum in
            guard let start = sum.baseAddress else { return }
            for token in tokens { matrix.add(row: Int(token), to: start) }
        }
        return tokens.isEmpty ? sum : sum.map { $0 / Float(tokens.count) }
    }
}

/// Stored examples of each expert, to find one expert for a whole query by likeness: centred, cosine, max over the examples.
///
/// Embeddings are mean hidden states of the trunk with the first position left out, because it is the same large vector in every text.
package struct RetrievalIndex: Sendable {
    /// d.
    package let width: Int
    /// [d], subtracted from every embedding.
    package let centre: [Float]
    /// Examples by expert, each centred and of norm 1: [expert][examples · d].
    private let examples: [[Float]]

    /// What likeness found.
    package struct Match: Sendable, Equatable {
        package let expert: Int
        /// Cosine with the expert's most similar example.
        package let likeness: Float

        package init(expert: Int, likeness: Float) {
            self.expert = expert
            self.likeness = likeness
        }
    }

    /// `embeddings`: [expert][examples · width], an expert may have none. `centre` is the mean of all examples unless given.
    package init(embeddings: [[Float]], width: Int, centre: [Float]? = nil) throws(RetrievalError) {
        guard width > 0, centre.map({ $0.count == width }) ?? true else {
            throw .width(expert: nil, count: centre?.count ?? 0)
        }
        for (expert, rows) in embeddings.enumerated() {
            guard rows.count.isMultiple(of: width) else { throw .width(expert: expert, count: rows.count) }
            guard rows.allSatisfy(\.isFinite) else { throw .notFinite(expert: expert) }
        }
        let centre = centre ?? Self.mean(embeddings, width)
        self.width = width
        self.centre = centre
        examples = embeddings.map { rows in
            stride(from: 0, to: rows.count, by: width)
                .flatMap { Self.direction(rows[$0..<$0 + width], centre) }
        }
    }

    /// The expert with the most similar example among those allowed; of equal ones the lower id. Nil if none has examples.
    package func nearest(to query: [Float], where isAllowed: (Int) -> Bool = { _ in true }) throws(RetrievalError)
        -> Match?
    {
        guard query.count == width else { throw .width(expert: nil, count: query.count) }
        guard query.allSatisfy(\.isFinite) else { throw .notFinite(expert: nil) }
        let direction = Self.direction(query[...], centre)
        var match: Match?
        for (expert, rows) in examples.enumerated() where isAllowed(expert) && !rows.isEmpty {
            let likeness = stride(from: 0, to: rows.count, by: width)
                .reduce(-Float.infinity) { max($0, Self.dot(rows[$1..<$1 + width], direction)) }
            if likeness > match?.likeness ?? -.infinity { match = Match(expert: expert, likeness: likeness) }
        }
        return match
    }

    private static func mean(_ embeddings: [[Float]], _ width: Int) -> [Float] {
        var sums = [Double](repeating: 0, count: width)
        var count = 0
        for rows in embeddings {
            for index in rows.indices { sums[index % width] += Double(rows[index]) }
            count += rows.count / width
        }
        return sums.map { Float($0 / Double(max(1, count))) }
    }

    /// (row - centre) / |row - centre|; 0 for the centre itself.
    private static func direction(_ row: ArraySlice<Float>, _ centre: [Float]) -> [Float] {
        let centred = zip(row, centre).map { $0 - $1 }
        let norm = centred.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return norm > 0 ? centred.map { Float(Double($0) / norm) } : centred
    }

    private static func dot(_ row: ArraySlice<Float>, _ other: [Float]) -> Float {
        var sum: Float = 0
        for (x, y) in zip(row, other) { sum += x * y }
        return sum
    }
}

/// Embeddings that cannot be compared.
package enum RetrievalError: Error, Sendable, Equatable {
    /// An expert's examples, or the query or centre for nil, do not have the index's width.
    case width(expert: Int?, count: Int)
    /// Likewise for a number that is NaN or infinite.
    case notFinite(expert: Int?)
}

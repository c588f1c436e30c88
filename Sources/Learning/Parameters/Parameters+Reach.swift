/// How far down a gradient has to go.
extension Parameters {
    /// The lowest layer that something trained needs the gradient of: at or above it layers are computed backwards, below it forwards
    /// alone and without a trace. The number of layers where only the head's rows are trained.
    package var lowestReached: Int {
        if rowsAreReached { return 0 }
        return pairs.indices.first { layer in Site.allCases.contains { isTrained($0, layer) } } ?? pairs.count
    }

    /// Whether the gradient goes on below the lowest layer, to the new rows of the embedding.
    var rowsAreReached: Bool { newRows > 0 && rowsLearnWhereRead && isTrained(embeddingRows) }

    /// Whether the pair or the gate of a site is trained.
    func isTrained(_ site: Site, _ layer: Int) -> Bool {
        if let pair = pairs[layer][site.rawValue], isTrained(pair.down) || isTrained(pair.up) { return true }
        return gates[layer][site.rawValue].map(isTrained) ?? false
    }

    /// By `Site.rawValue`, the widest pair of any layer: what memory that all layers share must hold.
    var widestPairs: [PairPlace?] {
        Site.allCases.map { site in pairs.compactMap { $0[site.rawValue] }.max { $0.rank < $1.rank } }
    }
}

/// What one document cost under one method: the unit that is resampled, since tokens of a document are not independent.
package struct DocumentLoss: Sendable, Equatable {
    /// Σ -ln p over the predicted tokens, nats.
    package let nats: Double
    /// Predicted tokens; one fewer than given.
    package let tokens: Int
    /// UTF-8 bytes of the predicted tokens' text: what makes models of other tokenizers comparable.
    package let bytes: Int

    package init(nats: Double, tokens: Int, bytes: Int) {
        self.nats = nats
        self.tokens = tokens
        self.bytes = bytes
    }
}

/// A mean over documents, weighted by what it is a mean per.
package struct MeanLoss: Sendable, Equatable, Encodable {
    /// Nats per predicted token.
    package let perToken: Double
    /// Nats per byte of text.
    package let perByte: Double
    /// Of `perToken`, over resampled documents.
    package let interval: Interval
    package let documents: Int
    package let tokens: Int

    /// Nil without documents, or where nothing was predicted.
    package init?(_ losses: [DocumentLoss], bootstrap: Bootstrap) {
        let tokens = losses.reduce(0) { $0 + $1.tokens }
        let bytes = losses.reduce(0) { $0 + $1.bytes }
        guard tokens > 0, bytes > 0 else { return nil }
        let nats = losses.reduce(0) { $0 + $1.nats }
        self.tokens = tokens
        documents = losses.count
        perToken = nats / Double(tokens)
        perByte = nats / Double(bytes)
        interval = bootstrap.interval(
            numerators: losses.map(\.nats), denominators: losses.map { Double($0.tokens) })
    }
}

/// One method minus another on the same documents. Resampled in pairs, since what makes a document hard makes it hard for both.
package struct PairedDifference: Sendable, Equatable, Encodable {
    /// Nats per predicted token; below 0: the first method is better.
    package let mean: Double
    package let interval: Interval

    /// Nil without documents.
    package init?(_ losses: [DocumentLoss], minus others: [DocumentLoss], bootstrap: Bootstrap) {
        precondition(losses.map(\.tokens) == others.map(\.tokens), "differences are taken on the same documents")
        let tokens = losses.reduce(0) { $0 + $1.tokens }
        guard tokens > 0 else { return nil }
        let differences = zip(losses, others).map { $0.nats - $1.nats }
        mean = differences.reduce(0, +) / Double(tokens)
        interval = bootstrap.interval(
            numerators: differences, denominators: losses.map { Double($0.tokens) })
    }

    /// Whether 0 lies outside the interval.
    package var isSignificant: Bool { interval.low > 0 || interval.high < 0 }
}

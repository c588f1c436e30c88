/// How a method recovers after a document changes its domain: the mean loss by distance from the change.
package struct SwitchCurve: Sendable {
    /// Distances from a segment's first token.
    package static let distances: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<32, 32..<64, 64..<Int.max]

    private var nats = [Double](repeating: 0, count: Self.distances.count)
    private var tokens = [Int](repeating: 0, count: Self.distances.count)

    package init() {}

    /// - Parameter losses: of a segment's tokens in order, from the first on.
    package mutating func add(_ losses: some Sequence<Double>) {
        for (distance, loss) in losses.enumerated() {
            guard let place = Self.distances.firstIndex(where: { $0.contains(distance) }) else { continue }
            nats[place] += loss
            tokens[place] += 1
        }
    }

    /// By distance, nats per token; nil where no token lies.
    package var means: [Double?] { zip(nats, tokens).map { $1 > 0 ? $0 / Double($1) : nil } }
}

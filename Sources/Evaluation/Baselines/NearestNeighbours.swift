/// k nearest neighbours by cosine among labelled vectors, after the examples' mean is taken from all of them: the states of a language
/// model share one large direction, which hides what sets them apart.
package struct NearestNeighbours: Sendable {
    private let centre: [Float]
    /// Unit vectors.
    private let examples: [[Float]]
    private let labels: [Int]
    private let classes: Int
    private let neighbours: Int

    /// - Parameter examples: not empty, all of one width.
    package init(_ examples: [(vector: [Float], label: Int)], classes: Int, neighbours: Int = 10) {
        precondition(!examples.isEmpty && neighbours > 0)
        let width = examples[0].vector.count
        var sums = [Double](repeating: 0, count: width)
        for example in examples {
            precondition(example.vector.count == width, "\(example.vector.count) numbers, others have \(width)")
            for (index, value) in example.vector.enumerated() { sums[index] += Double(value) }
        }
        let centre = sums.map { Float($0 / Double(examples.count)) }
        self.centre = centre
        self.examples = examples.map { Self.unit($0.vector, centre) }
        labels = examples.map(\.label)
        self.classes = classes
        self.neighbours = min(neighbours, examples.count)
    }

    /// The share of neighbours in each class, with one neighbour spread over all classes (Laplace), so that none is impossible.
    package func shares(_ vector: [Float]) -> [Double] {
        let query = Self.unit(vector, centre)
        let nearest = examples.indices.map { (likeness: Self.dot(examples[$0], query), example: $0) }
            .sorted { ($1.likeness, $0.example) < ($0.likeness, $1.example) }.prefix(neighbours)
        var votes = [Double](repeating: 1 / Double(classes), count: classes)
        for neighbour in nearest { votes[labels[neighbour.example]] += 1 }
        return votes.map { $0 / Double(neighbours + 1) }
    }

    private static func unit(_ vector: [Float], _ centre: [Float]) -> [Float] {
        let moved = zip(vector, centre).map { $0 - $1 }
        let norm = dot(moved, moved).squareRoot()
        return norm > 0 ? moved.map { $0 / norm } : moved
    }

    private static func dot(_ a: [Float], _ b: [Float]) -> Float {
        var sum: Float = 0
        for index in 0..<min(a.count, b.count) { sum += a[index] * b[index] }
        return sum
    }
}

/// Memory for the keys and values of one block, those of the beginning that it shares and its own behind each other, and for their gradients.
struct GatheredKeys {
    /// [T, keyValueHeads · d] each, T the longest block.
    let k, v, dk, dv: FloatRows

    init(blockMax: Int, width: Int) {
        func rows() -> FloatRows { FloatRows(blockMax, width) }
        (k, v, dk, dv) = (rows(), rows(), rows(), rows())
    }

    static func floats(blockMax: Int, width: Int) -> Int { 4 * blockMax * width }

    /// All rows that a segment attends to; a copy only where they do not stand together.
    func rows(_ matrix: FloatView, _ segment: Segment, into memory: FloatRows) -> FloatView {
        guard !segment.shared.isEmpty else { return matrix.rows(segment.rows) }
        let count = segment.shared.count
        let all = memory.first(count + segment.rows.count)
        all.rows(0..<count).copy(from: matrix.rows(segment.shared))
        all.rows(count..<all.rows).copy(from: matrix.rows(segment.rows))
        return all
    }

    func add(_ gradient: FloatView, to matrix: FloatView, _ segment: Segment) {
        let count = segment.shared.count
        matrix.rows(segment.shared).add(gradient.rows(0..<count))
        matrix.rows(segment.rows).add(gradient.rows(count..<gradient.rows))
    }
}

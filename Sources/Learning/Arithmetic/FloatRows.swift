/// A row-major matrix [rows, columns] of f32, 64-byte aligned, zero at first: what this target computes on.
///
/// Sendable although it holds a pointer: a shard of a batch writes only its own matrices, and those that all shards read
/// (weights, parameters) are written only between two passes.
final class FloatRows: @unchecked Sendable {
    let rows: Int
    let columns: Int
    let base: UnsafeMutablePointer<Float>

    init(_ rows: Int, _ columns: Int) {
        precondition(rows > 0 && columns > 0, "a matrix of [\(rows), \(columns)]")
        let memory = UnsafeMutableRawPointer.allocate(byteCount: rows * columns * 4, alignment: 64)
        self.rows = rows
        self.columns = columns
        base = memory.bindMemory(to: Float.self, capacity: rows * columns)
        base.initialize(repeating: 0, count: rows * columns)
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    var count: Int { rows * columns }
    var byteCount: Int { count * 4 }
    /// All of it.
    var view: FloatView { FloatView(base: base, rows: rows, columns: columns, stride: columns) }
    /// The first `count` rows.
    func first(_ count: Int) -> FloatView { view.rows(0..<count) }
    var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// Part of a matrix: [rows, columns] at every `stride` floats. Whoever makes one keeps the matrix alive.
struct FloatView {
    let base: UnsafeMutablePointer<Float>
    let rows: Int
    let columns: Int
    let stride: Int

    /// Floats from the first to behind the last.
    var extent: Int { (rows - 1) * stride + columns }

    /// All floats, where the rows follow each other without a gap.
    var whole: UnsafeMutableBufferPointer<Float> {
        precondition(stride == columns || rows == 1, "rows of \(columns) at every \(stride)")
        return UnsafeMutableBufferPointer(start: base, count: extent)
    }

    func rows(_ range: Range<Int>) -> FloatView {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return FloatView(base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    func columns(_ range: Range<Int>) -> FloatView {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return FloatView(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { base + index * stride }

    func copy(from other: FloatView) {
        precondition(rows == other.rows && columns == other.columns, "shapes differ")
        for row in 0..<rows { self.row(row).update(from: other.row(row), count: columns) }
    }

    func add(_ other: FloatView) {
        precondition(rows == other.rows && columns == other.columns, "shapes differ")
        for row in 0..<rows { Vectors.add(other.row(row), to: self.row(row), count: columns) }
    }

    func add(transposed other: FloatView) {
        precondition(rows == other.columns && columns == other.rows, "shapes differ")
        for column in 0..<columns {
            let source = other.row(column)
            for row in 0..<rows { base[row * stride + column] += source[row] }
        }
    }

    func clear() {
        for row in 0..<rows { self.row(row).update(repeating: 0, count: columns) }
    }
}

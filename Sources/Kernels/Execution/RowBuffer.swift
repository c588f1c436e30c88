import CKernels

/// Rows of f32, row-major, shape [rowsMax, width]. Each row starts on a 64-byte boundary. Zero at first.
package final class RowBuffer {
    package let rowsMax: Int
    package let width: Int
    /// Floats from one row to the next: `width` rounded up to 16.
    let stride: Int
    let base: UnsafeMutablePointer<Float>

    package init(rowsMax: Int, width: Int) {
        precondition(rowsMax > 0 && width > 0, "a row buffer of [\(rowsMax), \(width)]")
        let stride = (width + 15) / 16 * 16
        guard let memory = ck_allocate(rowsMax * stride * 4) else {
            fatalError("no memory for \(rowsMax) rows of \(width) floats")
        }
        self.rowsMax = rowsMax
        self.width = width
        self.stride = stride
        base = memory.bindMemory(to: Float.self, capacity: rowsMax * stride)
    }

    deinit { ck_free(base, rowsMax * stride * 4) }

    /// Lends row `row`, shape [width].
    package func withRow<Result, Failure: Error>(
        _ row: Int, _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeBufferPointer(start: start(of: row), count: width).span)
    }

    /// Lends row `row` for writing, shape [width].
    package func withMutableRow<Result, Failure: Error>(
        _ row: Int, _ body: (inout MutableSpan<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = UnsafeMutableBufferPointer(start: start(of: row), count: width).mutableSpan
        return try body(&span)
    }

    /// Copies row `source` of `other` (of the same width) to row `row`.
    package func copyRow(_ row: Int, from other: RowBuffer, row source: Int) {
        precondition(other.width == width, "rows of \(other.width) and \(width) floats")
        start(of: row).update(from: other.start(of: source), count: width)
    }

    /// A copy of row `row`.
    package func array(row: Int) -> [Float] { Array(UnsafeBufferPointer(start: start(of: row), count: width)) }

    /// The whole width of every row.
    package var columns: Columns { Columns(buffer: self, first: 0, width: width) }

    /// Part of every row: several projections can share one buffer, each in its columns.
    package func columns(_ range: Range<Int>) -> Columns {
        precondition(range.lowerBound >= 0 && range.upperBound <= width, "columns \(range) of \(width)")
        return Columns(buffer: self, first: range.lowerBound, width: range.count)
    }

    func start(of row: Int) -> UnsafeMutablePointer<Float> {
        precondition(row >= 0 && row < rowsMax, "row \(row) of \(rowsMax)")
        return base + row * stride
    }
}

/// Columns `first ..< first + width` of every row of a buffer: the operand of a kernel, shape [rows, width].
package struct Columns {
    package let buffer: RowBuffer
    package let first: Int
    package let width: Int

    /// The first float of row 0.
    var base: UnsafeMutablePointer<Float> { buffer.base + first }
    var stride: Int64 { Int64(buffer.stride) }

    /// Checks a kernel's operand; `what` names it in the message.
    func require(rows: Int, width: Int, _ what: StaticString) {
        precondition(
            rows >= 0 && rows <= buffer.rowsMax && self.width == width,
            "\(what): [\(buffer.rowsMax), \(self.width)] cannot hold [\(rows), \(width)]")
    }
}

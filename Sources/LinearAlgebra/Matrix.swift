/// A dense matrix of single-precision numbers, row-major.
package struct Matrix: Sendable, Equatable {
    package let rows: Int
    package let columns: Int
    /// [rows, columns].
    package let elements: [Float]

    /// As many elements as rows · columns.
    package init(rows: Int, columns: Int, elements: [Float]) {
        precondition(
            rows >= 0 && columns >= 0 && elements.count == rows * columns, "\(rows) x \(columns): \(elements.count)")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    package subscript(_ row: Int, _ column: Int) -> Float { elements[row * columns + column] }

    package var transposed: Matrix {
        var turned: [Float] = []
        turned.reserveCapacity(elements.count)
        for column in 0..<columns {
            for row in 0..<rows { turned.append(self[row, column]) }
        }
        return Matrix(rows: columns, columns: rows, elements: turned)
    }
}

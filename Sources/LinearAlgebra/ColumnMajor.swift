/// What LAPACK works on: double precision, column by column.
struct ColumnMajor {
    let rows: Int
    let columns: Int
    /// Element (i, j) at i + j · rows.
    var elements: [Double]

    /// The largest matrix: 1 GiB of doubles.
    static let elementsMax = 1 << 27

    init(rows: Int, columns: Int, elements: [Double]) {
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    init(_ matrix: Matrix) {
        self.init(transposing: matrix.transposed)
    }

    /// The transpose of a row-major matrix has its elements in the same order.
    init(transposing matrix: Matrix, scale: Double = 1) {
        self.init(
            rows: matrix.columns, columns: matrix.rows, elements: matrix.elements.map { scale * Double($0) })
    }

    subscript(_ row: Int, _ column: Int) -> Double { elements[row + column * rows] }

    /// The first `count` columns.
    func columns(first count: Int) -> ColumnMajor {
        ColumnMajor(rows: rows, columns: count, elements: Array(elements.prefix(rows * count)))
    }

    var transposed: ColumnMajor {
        var turned: [Double] = []
        turned.reserveCapacity(elements.count)
        for row in 0..<rows {
            for column in 0..<columns { turned.append(self[row, column]) }
        }
        return ColumnMajor(rows: columns, columns: rows, elements: turned)
    }

    /// The transpose, rounded, row-major.
    var transposedMatrix: Matrix { Matrix(rows: columns, columns: rows, elements: elements.map { Float($0) }) }

    var matrix: Matrix { transposed.transposedMatrix }
}

extension Matrix {
    /// Refuses what LAPACK would loop on or overflow with.
    func check(_ what: String) throws(LinearAlgebraError) {
        guard rows > 0, columns > 0 else { throw .shape(what: what, problem: "is empty: \(rows) x \(columns)") }
        guard elements.count <= ColumnMajor.elementsMax else {
            throw .shape(what: what, problem: "has \(elements.count) elements; at most \(ColumnMajor.elementsMax)")
        }
        if let index = elements.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(what: what, row: index / columns, column: index % columns)
        }
    }
}

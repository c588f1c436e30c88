import Foundation
import LinearAlgebra

/// What numpy made of the products (Goldens/make_goldens.py).
struct Products: Decodable {
    struct Top: Decodable {
        let seed: UInt64
        /// outputs, rank, inputs.
        let shape: [Int]
        let values: [Float]
        let vector: [Float]
    }

    struct Mean: Decodable {
        let seed: UInt64
        let count: Int
        let shape: [Int]
        let kept: Int
        let values: [Float]
        let product: [Float]
    }

    struct Real: Decodable {
        let b, a: [Float]
        let shape: [Int]
        let values: [Float]
        let vector: [Float]
    }

    let top: [Top]
    let mean: [Mean]
    let real: [Real]

    static func load() throws -> Products {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/products.json")
        return try JSONDecoder().decode(Products.self, from: Data(contentsOf: url))
    }
}

/// The recurrence of make_goldens.py.
func noise(_ seed: UInt64, _ rows: Int, _ columns: Int) -> Matrix {
    var state = seed
    let elements = (0..<rows * columns).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / 0x1p24 - 0.5
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
}

func product(_ left: Matrix, _ right: Matrix) -> Matrix {
    var elements = [Float]()
    for row in 0..<left.rows {
        for column in 0..<right.columns {
            elements.append(
                Float((0..<left.columns).reduce(0.0) { $0 + Double(left[row, $1]) * Double(right[$1, column]) }))
        }
    }
    return Matrix(rows: left.rows, columns: right.columns, elements: elements)
}

func distance(_ left: [Float], _ right: [Float]) -> Float {
    precondition(left.count == right.count, "\(left.count) and \(right.count)")
    return zip(left, right).map { abs($0 - $1) }.max() ?? 0
}

/// Largest |QᵀQ - 1| over the columns.
func defect(ofColumns q: Matrix) -> Float {
    let square = product(q.transposed, q)
    var worst: Float = 0
    for row in 0..<square.rows {
        for column in 0..<square.columns { worst = max(worst, abs(square[row, column] - (row == column ? 1 : 0))) }
    }
    return worst
}

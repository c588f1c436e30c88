import Weights

/// Arrow's prototypes (Ostapenko et al., arXiv 2405.11157): per site the unit vector v that maximises |B A v|, the top right
/// singular vector of B A.
enum Prototypes {
    /// The file `arrow_prototypes.safetensors` for an adapter.
    ///
    /// - Parameter hash: the SHA-256 of the adapter's weight file, in hexadecimal digits.
    static func file(for adapter: AdapterFolder, hash: String) -> [UInt8] {
        var writer = SafetensorsWriter(metadata: [SiteVectors.hashKey: hash, "format": "1"])
        for pair in adapter.pairs {
            writer.add(SiteVectors.Kind.arrow.tensorName(pair.site), shape: [pair.inputs], vector(pair))
        }
        return writer.bytes()
    }

    /// v, [inputs], its largest component positive; zero where B A is zero.
    ///
    /// v lies in the rows of A: v = Aᵀ w, and (B A)ᵀ(B A) v = σ² v becomes (Bᵀ B)(A Aᵀ) w = σ² w, a problem of size r x r.
    /// In double precision the squared singular values keep all the digits that f32 output shows. The power of the matrix
    /// grows by squaring, so that close singular values part after a few dozen steps.
    static func vector(_ pair: LowRankPair) -> [Float] {
        let rank = pair.rank
        let down = pair.down.floats().map(Double.init)
        let up = pair.up.floats().map(Double.init)
        var power = SquareMatrix(rank)
        let (upGram, downGram) = (gramOfColumns(up, pair.outputs, rank), gramOfRows(down, rank, pair.inputs))
        power = upGram.times(downGram)
        for _ in 0..<64 {
            guard let next = power.times(power).normalised(), !next.isClose(to: power) else { break }
            power = next
        }
        let core = power.largestColumn()
        var vector = [Double](repeating: 0, count: pair.inputs)
        for row in 0..<rank {
            for column in 0..<pair.inputs { vector[column] += core[row] * down[row * pair.inputs + column] }
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > 0, norm.isFinite else { return [Float](repeating: 0, count: pair.inputs) }
        let largest = vector.max { $0.magnitude < $1.magnitude } ?? 1
        return vector.map { Float($0 / (largest < 0 ? -norm : norm)) }
    }

    /// MᵀM of M [rows, columns].
    private static func gramOfColumns(_ matrix: [Double], _ rows: Int, _ columns: Int) -> SquareMatrix {
        var result = SquareMatrix(columns)
        for row in 0..<rows {
            for i in 0..<columns {
                for j in 0..<columns { result[i, j] += matrix[row * columns + i] * matrix[row * columns + j] }
            }
        }
        return result
    }

    /// M Mᵀ of M [rows, columns].
    private static func gramOfRows(_ matrix: [Double], _ rows: Int, _ columns: Int) -> SquareMatrix {
        var result = SquareMatrix(rows)
        for i in 0..<rows {
            for j in 0..<rows {
                for column in 0..<columns {
                    result[i, j] += matrix[i * columns + column] * matrix[j * columns + column]
                }
            }
        }
        return result
    }
}

private struct SquareMatrix {
    let size: Int
    private var values: [Double]

    init(_ size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * size)
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * size + column] }
        set { values[row * size + column] = newValue }
    }

    func times(_ other: SquareMatrix) -> SquareMatrix {
        var result = SquareMatrix(size)
        for i in 0..<size {
            for k in 0..<size {
                let factor = self[i, k]
                for j in 0..<size { result[i, j] += factor * other[k, j] }
            }
        }
        return result
    }

    /// Divided by its largest magnitude; nil where that is 0 or not finite.
    func normalised() -> SquareMatrix? {
        let largest = values.reduce(0) { max($0, $1.magnitude) }
        guard largest > 0, largest.isFinite else { return nil }
        var result = self
        result.values = values.map { $0 / largest }
        return result
    }

    func isClose(to other: SquareMatrix) -> Bool {
        zip(values, other.values).allSatisfy { ($0 - $1).magnitude <= 1e-15 }
    }

    func largestColumn() -> [Double] {
        let columns = (0..<size).map { column in (0..<size).map { self[$0, column] } }
        return columns.max { Self.square($0) < Self.square($1) } ?? []
    }

    private static func square(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 } }
}

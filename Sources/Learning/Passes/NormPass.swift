/// RMSNorm (Zhang and Sennrich 2019) per row x of width d, forwards and backwards.
///
///     ρ = 1 / sqrt(Σ x² / d + ε)        y = ρ x ⊙ w
///     dx = ρ (w ⊙ dy) - ρ³ / d · (Σ dy w x) x
enum NormPass {
    static func forward(_ x: FloatView, _ weight: [Float], _ epsilon: Float, into y: FloatView) {
        weight.withUnsafeBufferPointer { weight in
            for row in 0..<x.rows {
                let (source, target) = (x.row(row), y.row(row))
                let factor = inverse(source, x.columns, epsilon)
                for column in 0..<x.columns { target[column] = source[column] * factor * weight[column] }
            }
        }
    }

    /// dx += the gradient through the norm.
    static func backward(_ dy: FloatView, _ x: FloatView, _ weight: [Float], _ epsilon: Float, addedTo dx: FloatView) {
        weight.withUnsafeBufferPointer { weight in
            for row in 0..<x.rows {
                let (source, above, target) = (x.row(row), dy.row(row), dx.row(row))
                let factor = inverse(source, x.columns, epsilon)
                var lanes = Vectors.Lanes.zero
                let whole = x.columns & ~15
                guard let weights = weight.baseAddress else { return }
                for column in stride(from: 0, to: whole, by: 16) {
                    lanes +=
                        Vectors.load(above, column) * Vectors.load(weights, column) * Vectors.load(source, column)
                }
                var sum = lanes.sum()
                for column in whole..<x.columns { sum += above[column] * weight[column] * source[column] }
                let turned = factor * factor * factor / Float(x.columns) * sum
                for column in 0..<x.columns {
                    target[column] += factor * weight[column] * above[column] - turned * source[column]
                }
            }
        }
    }

    private static func inverse(_ x: UnsafePointer<Float>, _ width: Int, _ epsilon: Float) -> Float {
        1 / (Vectors.dot(x, x, count: width) / Float(width) + epsilon).squareRoot()
    }
}

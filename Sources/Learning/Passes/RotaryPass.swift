import Inference

/// Rotary position embedding in Hugging Face's order: in each head the pair (x_i, x_{i+h}), h = d/2, turns by the position's
/// angle. A rotation's transpose is the rotation back: the backward pass turns gradients by the negative angle.
///
///     y_i = x_i cos - x_{i+h} sin        y_{i+h} = x_{i+h} cos + x_i sin
enum RotaryPass {
    /// x: [rows, heads · 2h], in place; row r is at `positions[r]`.
    static func turn(_ x: FloatView, _ positions: [Int], _ table: RotaryTable, back: Bool = false) {
        let half = table.half
        let sign: Float = back ? -1 : 1
        table.cosines.withUnsafeBufferPointer { cosines in
            table.sines.withUnsafeBufferPointer { sines in
                for row in 0..<x.rows {
                    let start = positions[row] * half
                    for first in stride(from: 0, to: x.columns, by: 2 * half) {
                        let (low, high) = (x.row(row) + first, x.row(row) + first + half)
                        for index in 0..<half {
                            let (cosine, sine) = (cosines[start + index], sign * sines[start + index])
                            let (a, b) = (low[index], high[index])
                            low[index] = a * cosine - b * sine
                            high[index] = b * cosine + a * sine
                        }
                    }
                }
            }
        }
    }
}

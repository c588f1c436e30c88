import Foundation

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101), as torch computes it, over the flat trained parameters θ:
///
///     m = β₁ m + (1 - β₁) g        v = β₂ v + (1 - β₂) g²
///     θ = (1 - η λ) θ - η / (1 - β₁ᵗ) · m / (sqrt(v) / sqrt(1 - β₂ᵗ) + ε)
///
/// In one order on one thread: the same bits however often it is interrupted.
final class AdamW {
    static let beta1 = 0.9
    static let beta2 = 0.999
    static let epsilon: Float = 1e-8

    let first, second: FloatRows

    init(count: Int) {
        first = FloatRows(1, max(count, 1))
        second = FloatRows(1, max(count, 1))
    }

    /// - Parameters:
    ///   - places: which of the parameters.
    ///   - step: t - 1, counted from 0.
    ///   - factor: what clipping multiplies the gradient with.
    func update(
        _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ places: Range<Int>, step: Int,
        rate: Double, weightDecay: Double, factor: Float
    ) {
        let (b1, b2) = (Float(Self.beta1), Float(Self.beta2))
        let size = Float(rate / (1 - pow(Self.beta1, Double(step + 1))))
        let root = Float(1 / (1 - pow(Self.beta2, Double(step + 1))).squareRoot())
        let kept = Float(1 - rate * weightDecay)
        let (m, v) = (first.base, second.base)
        for index in places {
            let g = gradient[index] * factor
            m[index] = b1 * m[index] + (1 - b1) * g
            v[index] = b2 * v[index] + (1 - b2) * g * g
            values[index] = kept * values[index] - size * m[index] / (v[index].squareRoot() * root + Self.epsilon)
        }
    }

    /// ‖g‖, summed in double precision.
    static func norm(_ gradient: UnsafePointer<Float>, count: Int) -> Double {
        var sum = 0.0
        for index in 0..<count { sum += Double(gradient[index]) * Double(gradient[index]) }
        return sum.squareRoot()
    }
}

import PortableMath
import Weights

/// cos and sin of the angles by which rotary position embedding turns a head's pairs (i, i + d/2):
/// angle(position, i) = position · θ_i, θ_i = base^(-2i/d). Source: Su et al., "RoFormer", arXiv:2104.09864, equation 34;
/// the pairing and the scalings follow Hugging Face's `modeling_rope_utils`, f32 rounding of θ_i and of the angle included.
package struct RotaryTable: Sendable {
    /// d/2.
    package let half: Int
    /// [positions, d/2]
    package let cosines: [Float]
    package let sines: [Float]

    package init(_ configuration: ModelConfiguration, positions: Int) {
        let frequencies = RotaryFrequencies(configuration)
        half = frequencies.values.count
        var cosines: [Float] = []
        var sines: [Float] = []
        cosines.reserveCapacity(positions * half)
        sines.reserveCapacity(positions * half)
        for position in 0..<positions {
            for frequency in frequencies.values {
                let angle = Elementary.sineCosine(Double(Float(position) * frequency))
                cosines.append(Float(angle.cosine * frequencies.magnitude))
                sines.append(Float(angle.sine * frequencies.magnitude))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }
}

/// θ_i after scaling, and the factor that YaRN puts on cos and sin.
struct RotaryFrequencies {
    /// [d/2]
    let values: [Float]
    let magnitude: Double

    init(_ configuration: ModelConfiguration) {
        let dimension = configuration.headDimension
        let logBase = Elementary.logarithm(configuration.ropeTheta)
        let plain = (0..<dimension / 2).map { Elementary.exponential(-2 * Double($0) / Double(dimension) * logBase) }
        var magnitude = 1.0
        let scaled: [Double]
        switch configuration.ropeScaling {
        case .none:
            scaled = plain
        case .linear(let factor):
            scaled = plain.map { $0 / factor }
        case .frequencyFactors(let factors):
            scaled = zip(plain, factors).map { $0 / Double($1) }
        case .llama3(let factor, let low, let high, let original):
            let lengths = (long: Double(original) / low, short: Double(original) / high)
            scaled = plain.map { Self.llama3($0, factor, Double(original), low, high, lengths) }
        case .yarn(let factor, let original, let attentionFactor, let fast, let slow):
            let ramp = YarnRamp(dimension: dimension, logBase: logBase, original: original, fast: fast, slow: slow)
            scaled = plain.enumerated().map { ramp.blend($1, index: $0, factor: factor) }
            magnitude = attentionFactor ?? (factor > 1 ? 0.1 * Elementary.logarithm(factor) + 1 : 1)
        }
        values = scaled.map { Float($0) }
        self.magnitude = magnitude
    }

    /// Llama 3.1: wavelengths over `lengths.long` are stretched by `factor`, those under `lengths.short` kept, a ramp between.
    private static func llama3(
        _ frequency: Double, _ factor: Double, _ original: Double, _ low: Double, _ high: Double,
        _ lengths: (long: Double, short: Double)
    ) -> Double {
        let wavelength = 2 * Double.pi / frequency
        if wavelength > lengths.long { return frequency / factor }
        if wavelength < lengths.short { return frequency }
        let smooth = (original / wavelength - low) / (high - low)
        return (1 - smooth) * frequency / factor + smooth * frequency
    }
}

/// Which dimensions YaRN interpolates: Peng et al., arXiv:2309.00071, section 3.2.
private struct YarnRamp {
    let low: Double
    let high: Double

    init(dimension: Int, logBase: Double, original: Int, fast: Double, slow: Double) {
        /// The dimension whose wave turns `rotations` times over the original context.
        func place(_ rotations: Double) -> Double {
            Double(dimension) * Elementary.logarithm(Double(original) / (rotations * 2 * Double.pi)) / (2 * logBase)
        }
        low = max(place(fast).rounded(.down), 0)
        let top = min(place(slow).rounded(.up), Double(dimension - 1))
        // Hugging Face's guard against an empty ramp.
        high = top == low ? top + 0.001 : top
    }

    /// 1 (kept) below `low`, 0 (divided by `factor`) above `high`.
    func blend(_ frequency: Double, index: Int, factor: Double) -> Double {
        let kept = 1 - min(max((Double(index) - low) / (high - low), 0), 1)
        return frequency / factor * (1 - kept) + frequency * kept
    }
}

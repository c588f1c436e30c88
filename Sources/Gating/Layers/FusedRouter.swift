/// A router row that stands for PHATGOOSE's gates of one expert at one feed-forward layer.
///
/// Where gates and adapters are per linear layer, a mixture's router sees a block's normed x once, unstandardised. The row is
///
///     z = c (v̄_gate + v̄_up) / (2 √d),    c = 1 / mean σ(x) over calibration text
///
/// v̄ has mean 0, so v̄ · x = √d σ(x) score(x), and z · x = (σ(x) / mean σ) · (score_gate + score_up) / 2: the mean of the two scores, but for
/// how far a token's deviation is from the mean one. What the gate of the down projection says is lost.
package enum FusedRouter {
    /// gate, up: raw gate vectors, [d]; one is nil where the expert has no adapter there, which scores 0 as an expert without a gate does.
    /// meanDeviation: mean σ(x) of the layer's x, above 0.
    package static func row(
        gate: [Float]?, up: [Float]?, width: Int, meanDeviation: Double
    ) throws(GateVectorError) -> [Float] {
        precondition(meanDeviation > 0, "a mean deviation of \(meanDeviation)")
        let standardised = [try standardised(gate, width), try standardised(up, width)]
        let factor = 1 / (meanDeviation * 2 * Double(width).squareRoot())
        return (0..<width).map { Float(factor * (Double(standardised[0][$0]) + Double(standardised[1][$0]))) }
    }

    private static func standardised(_ vector: [Float]?, _ width: Int) throws(GateVectorError) -> [Float] {
        guard let vector else { return [Float](repeating: 0, count: width) }
        precondition(vector.count == width, "a gate of \(vector.count) for inputs of \(width)")
        return try Standardisation.standardised(vector)
    }
}

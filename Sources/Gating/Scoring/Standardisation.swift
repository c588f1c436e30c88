/// v̄ = (v - mean v) / √(var v + ε), done once when a set of experts is loaded.
package enum Standardisation {
    /// ε of v̄ and of ū. The variance of a short-trained gate is small (6e-4 was seen), so it matters.
    package static let epsilon: Float = 1e-5

    /// v̄ of a gate or of a mean activation v, [d]: biased variance over its own features, no affine. Sums are in double.
    /// v = 0 gives 0. Throws if an element is not finite.
    package static func standardised(_ v: [Float], epsilon: Float = epsilon) throws(GateVectorError) -> [Float] {
        if let index = v.firstIndex(where: { !$0.isFinite }) { throw GateVectorError(index: index, value: v[index]) }
        guard !v.isEmpty else { return [] }
        let mean = v.reduce(0.0) { $0 + Double($1) } / Double(v.count)
        let variance = v.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(v.count)
        let deviation = (variance + Double(epsilon)).squareRoot()
        guard deviation > 0 else { return [Float](repeating: 0, count: v.count) }
        return v.map { Float((Double($0) - mean) / deviation) }
    }

    /// Σ v̄, which is near 0 and not 0, because v̄ is rounded.
    package static func sum(_ gate: [Float]) -> Float { Float(gate.reduce(0.0) { $0 + Double($1) }) }
}

/// A gate vector with an element that is not finite.
package struct GateVectorError: Error, Sendable, CustomStringConvertible {
    package let index: Int
    package let value: Float

    package var description: String { "element \(index) of the gate is \(value); train or import it again" }
}

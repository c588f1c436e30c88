/// What scores need to know of a linear's input u besides its dot products; computed once per row of a site group.
package struct InputMoments: Sendable, Equatable {
    /// Σ u / d.
    package let mean: Float
    /// Σ (u - mean)² / d, the biased variance.
    package let variance: Float
    /// |u|.
    package let norm: Float
    /// d.
    package let width: Int

    package init(mean: Float, variance: Float, norm: Float, width: Int) {
        self.mean = mean
        self.variance = variance
        self.norm = norm
        self.width = width
    }

    /// Two passes over u, [d], each summed in 16 lanes and these in one order, so that the bits are the same everywhere.
    package init(of u: Span<Float>) {
        let width = u.count
        var sums = SIMD16<Float>.zero
        var squares = SIMD16<Float>.zero
        Self.forEachChunk(of: u, padding: 0) { chunk in
            sums += chunk
            squares += chunk * chunk
        }
        let mean = Self.total(sums) / Float(max(width, 1))
        var deviations = SIMD16<Float>.zero
        Self.forEachChunk(of: u, padding: mean) { chunk in
            let deviation = chunk - mean
            deviations += deviation * deviation
        }
        self.mean = mean
        variance = Self.total(deviations) / Float(max(width, 1))
        norm = Self.total(squares).squareRoot()
        self.width = width
    }

    /// 16 elements at a time; the last chunk is filled up.
    @inline(__always)
    private static func forEachChunk(of u: Span<Float>, padding: Float, _ body: (SIMD16<Float>) -> Void) {
        var start = 0
        while start + 16 <= u.count {
            let part = u.extracting(start..<start + 16)
            body(
                SIMD16(
                    part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7],
                    part[8], part[9], part[10], part[11], part[12], part[13], part[14], part[15]))
            start += 16
        }
        guard start < u.count else { return }
        var last = SIMD16(repeating: padding)
        for index in start..<u.count { last[index - start] = u[index] }
        body(last)
    }

    private static func total(_ lanes: SIMD16<Float>) -> Float {
        let eight = lanes.lowHalf + lanes.highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }
}

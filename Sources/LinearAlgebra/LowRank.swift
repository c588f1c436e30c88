/// B · A with B: [out, r] and A: [r, in], times a scale: the delta of one adapter at one site.
package struct LowRankProduct: Sendable, Equatable {
    package let b: Matrix
    package let a: Matrix
    package let scale: Float

    package init(b: Matrix, a: Matrix, scale: Float = 1) {
        self.b = b
        self.a = a
        self.scale = scale
    }

    func check(_ what: String) throws(LinearAlgebraError) {
        try b.check("B of \(what)")
        try a.check("A of \(what)")
        guard b.columns == a.rows else {
            throw .shape(what: what, problem: "has rank \(b.columns) in B and \(a.rows) in A")
        }
        guard scale.isFinite else { throw .shape(what: what, problem: "has scale \(scale)") }
    }
}

/// A product of low rank that stands for a larger one.
package struct LowRankApproximation: Sendable, Equatable {
    /// [out, R]: left singular vectors times singular values.
    package let b: Matrix
    /// [R, in]: right singular vectors, orthonormal rows, each with its largest entry positive.
    package let a: Matrix
    /// All singular values of what it stands for, descending; the first R are kept.
    package let singularValues: [Float]

    /// Σ_kept σ² / Σ σ²; 1 for a product of zeros.
    package var energyKept: Double {
        let squares = singularValues.map { Double($0) * Double($0) }
        let whole = squares.reduce(0, +)
        return whole > 0 ? squares.prefix(a.rows).reduce(0, +) / whole : 1
    }
}

/// Singular vectors of products of low rank, without the product: Aᵀ = Q_a R_a and B = Q_b R_b, so that
/// B A = Q_b (R_b R_aᵀ) Q_aᵀ, and the SVD of the core R_b R_aᵀ, r x r, turned by Q_a and Q_b, is that of B A.
package enum LowRank {
    /// Arrow's prototype: the unit top right singular vector of B A, [in], largest entry positive. B: [out, r], A: [r, in].
    /// All zeros if B A is zero, so that such an expert scores 0. Where the two largest singular values are equal any vector of
    /// their plane is right, and this is one of them.
    package static func topRightSingularVector(b: Matrix, a: Matrix) throws(LinearAlgebraError) -> [Float] {
        let product = LowRankProduct(b: b, a: a)
        try product.check("the product")
        let (_, values, v) = try svd(ColumnMajor(b), ColumnMajor(transposing: a))
        guard let top = values.first, top > 0 else { return [Float](repeating: 0, count: a.columns) }
        return v.columns(first: 1).elements.map { Float($0) }
    }

    /// The mean of N products, (1/N) Σ s_z B_z A_z, truncated to `rank`: the common expert. Ranks may differ, widths may not.
    /// Stacked, it is one product [B_1 s_1/N, …] [A_1; …]. `rank` is clamped to what the matrices have. The result's scale is 1.
    package static func truncatedMean(
        of products: [LowRankProduct], rank: Int
    ) throws(LinearAlgebraError) -> LowRankApproximation {
        guard let first = products.first, rank > 0 else {
            throw .shape(
                what: "the mean", problem: "needs at least one product and rank 1, not \(products.count) and \(rank)")
        }
        let (outputs, inputs) = (first.b.rows, first.a.columns)
        var left: [Double] = []
        var right: [Double] = []
        for (index, product) in products.enumerated() {
            try product.check("product \(index)")
            guard product.b.rows == outputs, product.a.columns == inputs else {
                throw .shape(
                    what: "product \(index)",
                    problem: "is \(product.b.rows) x \(product.a.columns), the first \(outputs) x \(inputs)")
            }
            let share = Double(product.scale) / Double(products.count)
            left += ColumnMajor(transposing: product.b.transposed, scale: share).elements
            right += ColumnMajor(transposing: product.a).elements
        }
        let stacked = left.count / outputs
        guard stacked * max(outputs, inputs) <= ColumnMajor.elementsMax else {
            throw .shape(what: "the mean", problem: "stacks to rank \(stacked), too large; average fewer products")
        }
        let (u, values, v) = try svd(
            ColumnMajor(rows: outputs, columns: stacked, elements: left),
            ColumnMajor(rows: inputs, columns: stacked, elements: right))
        return truncated(u, values, v, rank: min(rank, values.count))
    }

    private static func truncated(
        _ u: ColumnMajor, _ values: [Double], _ v: ColumnMajor, rank: Int
    ) -> LowRankApproximation {
        var left = u.columns(first: rank)
        for index in left.elements.indices { left.elements[index] *= values[index / left.rows] }
        return LowRankApproximation(
            b: left.matrix, a: v.columns(first: rank).transposedMatrix, singularValues: values.map { Float($0) })
    }

    /// left · rightᵀ = u diag(values) vᵀ; left: [out, r], right: [in, r]; u: [out, k], v: [in, k], signs fixed.
    private static func svd(
        _ left: ColumnMajor, _ right: ColumnMajor
    ) throws(LinearAlgebraError) -> (u: ColumnMajor, values: [Double], v: ColumnMajor) {
        let (leftQ, leftR) = try Lapack.qr(left)
        let (rightQ, rightR) = try Lapack.qr(right)
        let core = try Lapack.svd(Lapack.product(leftR, transposed: rightR))
        var u = Lapack.product(leftQ, transposed: core.u.transposed)
        var v = Lapack.product(rightQ, transposed: core.v.transposed)
        Factorization.fixSigns(&u, &v)
        return (u, core.values, v)
    }
}

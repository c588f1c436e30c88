import CKernels

/// Gates to take dot products with, and where those go.
package struct GateProduct {
    package let gates: PackedGates
    /// [rows, gates.count]
    package let output: Columns
    /// [rows, 3]: each row's (mean, biased variance, |x|); nil where another product of the same rows writes them.
    package let moments: RowBuffer?

    package init(_ gates: PackedGates, into output: Columns, moments: RowBuffer?) {
        self.gates = gates
        self.output = output
        self.moments = moments
    }

    func packed(_ x: Columns, rows: Int) -> ck_dots_product {
        x.require(rows: rows, width: gates.inputs, "input of gates")
        output.require(rows: rows, width: gates.count, "output of gates")
        moments?.columns.require(rows: rows, width: 3, "moments of rows")
        return ck_dots_product(
            dots: gates.packed, out: output.base, out_stride: output.stride, moments: moments?.base,
            moments_stride: Int64(moments?.stride ?? 0))
    }
}

extension ComputeContext {
    /// output[r, j] = Σ_k x[r, k] · gates[j, k], and each row's moments.
    package func multiply(_ x: Columns, rows: Int, by product: GateProduct) {
        var packed = product.packed(x, rows: rows)
        ck_multiply_dots(handle, x.base, x.stride, Int64(rows), &packed)
    }
}

import Kernels

/// One linear layer of the trunk, y = W x + b, at a named site.
package struct Linear: Sendable {
    /// The Hugging Face module name, such as `model.layers.3.self_attn.q_proj`: what adapters and gates are keyed by.
    package let site: String
    /// W, [outputs, inputs].
    package let base: PackedMatrix
    /// b, [outputs].
    package let bias: [Float]?

    package init(site: String, base: PackedMatrix, bias: [Float]? = nil) {
        self.site = site
        self.base = base
        self.bias = bias
    }
}

/// Linear layers that read the same input, and hence share one dispatch: q, k and v; gate and up; or one alone.
package struct SiteGroup: Sendable {
    /// Numbers the groups of one model from 0, in the order in which a token meets them.
    package let index: Int
    /// Never empty; all have the same inputs.
    package let linears: [Linear]

    package init(index: Int, linears: [Linear]) {
        precondition(!linears.isEmpty && linears.allSatisfy { $0.base.inputs == linears[0].base.inputs })
        self.index = index
        self.linears = linears
    }

    package var inputs: Int { linears[0].base.inputs }
}

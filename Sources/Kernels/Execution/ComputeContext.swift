import CKernels

/// The kernels, with an instruction set, a team and scratch memory. For one thread at a time; several contexts may share a team.
///
/// Every result element has one accumulation order: the same bits for a row alone or among others, on any instruction set and any
/// number of threads. Operands are `Columns`, row-major; operations work on their rows 0 ..< rows.
package final class ComputeContext {
    package let team: ComputeTeam
    package let instructionSet: InstructionSet
    let handle: OpaquePointer

    package init(team: ComputeTeam, instructionSet: InstructionSet = .best) {
        guard let handle = ck_context_create(team.handle, instructionSet.code) else {
            fatalError("this processor has no \(instructionSet.rawValue) instructions")
        }
        self.team = team
        self.instructionSet = instructionSet
        self.handle = handle
    }

    deinit { ck_context_destroy(handle) }

    func requireMemory(_ status: Int32) {
        precondition(status == 0, "no memory for the scratch of a kernel")
    }
}

/// One matrix to multiply by, and where the result goes, shape [rows, matrix.outputs].
package struct Product {
    package let matrix: PackedMatrix
    package let output: Columns
    /// Whether the sum is added to what `output` holds (after its own chain has ended) or replaces it.
    package let accumulate: Bool

    package init(_ matrix: PackedMatrix, into output: Columns, accumulate: Bool = false) {
        self.matrix = matrix
        self.output = output
        self.accumulate = accumulate
    }
}

extension ComputeContext {
    /// output[r, o] (+)= Σ_k x[r, k] · matrix[o, k] for every product, in one dispatch.
    ///
    /// All matrices share the input `x`, shape [rows, inputs] (q, k and v; gate and up): for quantised ones it is rounded once, to
    /// 8-bit integers with one scale per row and 32 inputs. Outputs must not overlap `x` or each other. At most 16 products.
    ///
    /// - Parameter gates: gates that read the same rows, at most `gateProductsMax`: a team starts once for both.
    package func multiply(_ x: Columns, rows: Int, by products: [Product], and gates: [GateProduct] = []) {
        precondition(products.count <= CK_PRODUCTS_MAX, "\(products.count) products in one dispatch")
        precondition(gates.count <= Self.gateProductsMax, "\(gates.count) kinds of gates in one dispatch")
        withUnsafeTemporaryAllocation(of: ck_product.self, capacity: products.count) { list in
            for (index, product) in products.enumerated() {
                x.require(rows: rows, width: product.matrix.inputs, "input of a product")
                product.output.require(rows: rows, width: product.matrix.outputs, "output of a product")
                list[index] = ck_product(
                    matrix: product.matrix.packed, out: product.output.base, out_stride: product.output.stride,
                    accumulate: product.accumulate ? 1 : 0)
            }
            withUnsafeTemporaryAllocation(of: ck_dots_product.self, capacity: gates.count) { companions in
                for (index, gate) in gates.enumerated() { companions[index] = gate.packed(x, rows: rows) }
                requireMemory(
                    ck_multiply(
                        handle, x.base, x.stride, Int64(rows), list.baseAddress, Int32(products.count),
                        companions.baseAddress, Int32(gates.count)))
            }
        }
    }

    /// Kinds of gates that one dispatch takes.
    package static var gateProductsMax: Int { Int(CK_GATES_MAX) }

    /// output[r, o] (+)= Σ_k x[r, k] · matrix[o, k].
    package func multiply(
        _ x: Columns, rows: Int, by matrix: PackedMatrix, into output: Columns, accumulate: Bool = false
    ) {
        multiply(x, rows: rows, by: [Product(matrix, into: output, accumulate: accumulate)])
    }

    /// The same with rows of its own for each product: output[r, o] (+)= Σ_k x[r, k] · matrix[o, k] for r in `product.rows`, all in one
    /// dispatch, so that threads wait for one another once. x has rows 0 ..< rows. At most `groupsMax` products.
    package func multiply(_ x: Columns, rows: Int, byGroups products: [(product: Product, rows: Range<Int>)]) {
        precondition(products.count <= Self.groupsMax, "\(products.count) products in one dispatch")
        withUnsafeTemporaryAllocation(of: ck_group.self, capacity: products.count) { list in
            for (index, (product, range)) in products.enumerated() {
                precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
                x.require(rows: rows, width: product.matrix.inputs, "input of a product")
                product.output.require(rows: range.upperBound, width: product.matrix.outputs, "output of a product")
                list[index] = ck_group(
                    product: ck_product(
                        matrix: product.matrix.packed, out: product.output.base, out_stride: product.output.stride,
                        accumulate: product.accumulate ? 1 : 0),
                    first: Int64(range.lowerBound), rows: Int64(range.count))
            }
            requireMemory(
                ck_multiply_groups(
                    handle, x.base, x.stride, Int64(rows), list.baseAddress, Int32(products.count)))
        }
    }

    package static let groupsMax = Int(CK_GROUPS_MAX)
}

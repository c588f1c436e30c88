import CKernels

/// out (+)= scale · x w for plain f32 rows, neither side packed beforehand: for learning, which multiplies by what every step changes. What
/// no step changes may be stored in panels (`wInPanels`), which spares packing it in one direction and makes it quick in the other.
///
/// Like all kernels in one order: an element's sum runs over k = 0, 1, 2 … by fused multiply-add, beginning with what `out` holds where
/// it accumulates. It runs on the caller's thread alone.
package struct FloatProduct: Sendable {
    /// out: [rows, columns]; `depth` is what is summed over.
    package var rows: Int
    package var columns: Int
    package var depth: Int
    package var scale: Float
    /// x is stored as [depth, rows], w as [columns, depth].
    package var turnsX: Bool
    package var turnsW: Bool
    package var accumulates: Bool
    /// w, [lines, width] as it would be stored, stands in panels of `panelColumns` columns, one behind the other, each [lines,
    /// panelColumns]; the last is filled up. Its stride is not read, and without `turnsW` the scale is 1.
    package var wInPanels: Bool

    package var triangle: Triangle

    /// Half of a product of causal attention that need not be computed. What x is said to be zero in, it is.
    package enum Triangle: Sendable, Equatable {
        case none
        /// Row r of out is wanted up to column r + diagonal; what is right of it is not, and may be written or not.
        case outBelow(diagonal: Int)
        /// x, as [rows, depth], is zero behind k = r + diagonal.
        case xBelow(diagonal: Int)
        /// x, as [rows, depth], is zero before k = r - diagonal.
        case xAbove(diagonal: Int)

        var code: (kind: Int32, diagonal: Int64) {
            switch self {
            case .none: (Int32(CK_WHOLE), 0)
            case .outBelow(let diagonal): (Int32(CK_OUT_BELOW), Int64(diagonal))
            case .xBelow(let diagonal): (Int32(CK_X_BELOW), Int64(diagonal))
            case .xAbove(let diagonal): (Int32(CK_X_ABOVE), Int64(diagonal))
            }
        }
    }

    package static let panelColumns = Int(CK_FLOATS_PANEL)

    package init(
        rows: Int, columns: Int, depth: Int, scale: Float = 1, turnsX: Bool = false, turnsW: Bool = false,
        accumulates: Bool = false, wInPanels: Bool = false, triangle: Triangle = .none
    ) {
        precondition(!wInPanels || turnsW || scale == 1, "panels times \(scale)")
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.scale = scale
        self.turnsX = turnsX
        self.turnsW = turnsW
        self.accumulates = accumulates
        self.wInPanels = wInPanels
        self.triangle = triangle
    }

    /// What a context holds for products of at most this depth whose turned x has at most so many elements, in bytes.
    package static func scratchBytes(depthMax: Int, turnedMax: Int) -> Int {
        4 * (Int(CK_FLOATS_PANEL) * min(depthMax, Int(CK_FLOATS_DEPTH)) + turnedMax)
    }
}

extension ComputeContext {
    /// Rows of x, w and out begin at every `stride…` floats; out overlaps neither of the others.
    package func multiply(
        _ product: FloatProduct, _ x: Span<Float>, strideX: Int, _ w: Span<Float>, strideW: Int,
        into out: inout MutableSpan<Float>, strideOut: Int
    ) {
        func require(_ count: Int, _ lines: Int, _ width: Int, _ stride: Int, _ name: StaticString) {
            precondition(
                lines > 0 && width > 0 && stride >= width && count >= (lines - 1) * stride + width,
                "\(name): \(count) floats for [\(lines), \(width)] at every \(stride)")
        }
        let (rows, columns, depth) = (product.rows, product.columns, product.depth)
        require(x.count, product.turnsX ? depth : rows, product.turnsX ? rows : depth, strideX, "x")
        let (lines, width) = product.turnsW ? (columns, depth) : (depth, columns)
        if product.wInPanels {
            let panels = (width + FloatProduct.panelColumns - 1) / FloatProduct.panelColumns
            require(w.count, panels * lines, FloatProduct.panelColumns, FloatProduct.panelColumns, "w in panels")
        } else {
            require(w.count, lines, width, strideW, "w")
        }
        require(out.count, rows, columns, strideOut, "out")
        precondition(product.triangle.code.diagonal >= 0, "\(product.triangle)")
        x.withUnsafeBufferPointer { x in
            w.withUnsafeBufferPointer { w in
                out.withUnsafeMutableBufferPointer { out in
                    var job = ck_floats(
                        x: x.baseAddress, w: w.baseAddress, out: out.baseAddress, x_stride: Int64(strideX),
                        w_stride: Int64(strideW), out_stride: Int64(strideOut), rows: Int64(rows),
                        depth: Int64(depth), columns: Int64(columns), scale: product.scale,
                        turns_x: product.turnsX ? 1 : 0, turns_w: product.turnsW ? 1 : 0,
                        accumulate: product.accumulates ? 1 : 0, w_panels: product.wInPanels ? 1 : 0,
                        triangle: product.triangle.code.kind, diagonal: product.triangle.code.diagonal)
                    requireMemory(ck_multiply_floats(handle, &job))
                }
            }
        }
    }
}

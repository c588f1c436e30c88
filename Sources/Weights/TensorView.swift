import Digest

/// In which order the rows of a stored matrix stand, against the order its name promises.
package enum RowOrder: Sendable, Equatable {
    /// As stored.
    case stored
    /// llama.cpp stores the query and key rows of Llama models permuted, so that its rotary embedding can rotate
    /// neighbours: within each head of `headDimension` rows, Hugging Face row a·(d/2) + b (a = 0, 1) is stored at 2b +
    /// a (`LlamaModel.permute` in llama.cpp's convert_hf_to_gguf.py). A view with this order undoes it.
    case interleavedHalves(headDimension: Int)

    /// The stored row that holds Hugging Face row `row`.
    func storedRow(_ row: Int) -> Int {
        guard case .interleavedHalves(let dimension) = self else { return row }
        let (head, place) = row.quotientAndRemainder(dividingBy: dimension)
        let (half, pair) = place.quotientAndRemainder(dividingBy: dimension / 2)
        return head * dimension + 2 * pair + half
    }
}

/// A read-only loan of one tensor of an open checkpoint; it keeps the mapping alive.
package struct TensorView: Sendable {
    /// The Hugging Face name, such as `model.layers.0.self_attn.q_proj.weight`.
    package let name: String
    package let type: ElementType
    /// Row-major, outermost first: a linear layer's weight is [outputs, inputs].
    package let shape: [Int]
    /// The product of all dimensions but the last; 1 for vectors and scalars.
    package let rows: Int
    /// The last dimension; 1 for scalars.
    package let columns: Int
    package let rowByteCount: Int
    package let rowOrder: RowOrder
    private let bytes: FileBytes
    private let offset: Int

    /// That the tensor is in.
    package var file: String { bytes.file }
    /// Where all its rows stand in `file`.
    package var slice: FileSlice { FileSlice(file: bytes.file, range: offset..<offset + byteCount) }
    package var byteCount: Int { rows * rowByteCount }
    package var elementCount: Int { rows * columns }

    init(_ place: TensorPlace, named name: String, rowOrder: RowOrder = .stored, in bytes: FileBytes) {
        self.name = name
        type = place.type
        shape = place.shape
        rows = place.rows
        columns = place.columns
        rowByteCount = place.rowByteCount
        self.rowOrder = rowOrder
        self.bytes = bytes
        offset = place.offset
        precondition(bytes.contains(offset: offset, length: byteCount), "\(name) lies outside \(bytes.file)")
    }

    private init(rows range: Range<Int>, of stack: TensorView, named name: String) {
        precondition(stack.rowOrder == .stored, "\(stack.name): its rows are stored in another order")
        precondition(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= stack.rows, "\(name): \(range)")
        self.name = name
        type = stack.type
        shape = [range.count, stack.columns]
        rows = range.count
        columns = stack.columns
        rowByteCount = stack.rowByteCount
        rowOrder = .stored
        bytes = stack.bytes
        offset = stack.offset + range.lowerBound * stack.rowByteCount
    }

    /// Some rows as a matrix of their own, such as one expert of a stack.
    package func slice(rows range: Range<Int>, named name: String) -> TensorView {
        TensorView(rows: range, of: self, named: name)
    }

    /// Lends the stored bytes of row `row` (in the order of the name, see `rowOrder`): `columns` elements of `type`.
    package func withRow<R, E: Error>(_ row: Int, _ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try bytes.withBytes(at: place(of: row), length: rowByteCount, body)
    }

    /// Lends the stored bytes of all rows, one after the other, as they are stored: not for views that reorder rows.
    package func withAllRows<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        precondition(rowOrder == .stored, "\(name): its rows are stored in another order")
        return try bytes.withBytes(at: offset, length: byteCount, body)
    }

    /// Writes row `row` as floats into the first `columns` places of `output`.
    package func dequantise(row: Int, into output: inout MutableSpan<Float>) {
        precondition(output.count >= columns, "\(name): \(output.count) places for \(columns) columns")
        let source = bytes.pointer(at: place(of: row), length: rowByteCount)
        defer { extendLifetime(bytes) }
        output.withUnsafeMutableBufferPointer { target in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            type.dequantise(from, count: columns, into: to)
        }
    }

    /// All elements as floats, row after row; for norms and biases, which are small.
    package func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: elementCount) { target, initialised in
            for row in 0..<rows {
                let source = bytes.pointer(at: place(of: row), length: rowByteCount)
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                type.dequantise(from, count: columns, into: to + row * columns)
            }
            initialised = elementCount
        }
    }

    /// Lets go of the pages of the whole file that the tensor is in, which are read again when they are touched.
    package func releaseFilePages() { bytes.releasePages() }

    /// The same for this tensor's own pages alone, those on its borders aside.
    package func releasePages() { bytes.releasePages(offset..<offset + byteCount) }

    private func place(of row: Int) -> Int {
        precondition(row >= 0 && row < rows, "\(name): row \(row) of \(rows)")
        return offset + rowOrder.storedRow(row) * rowByteCount
    }
}

import CKernels

/// A weight matrix [outputs, inputs], packed in panels of outputs for the kernels' SIMD lanes. Immutable.
///
/// Elements (f32, f16, bf16): panels of 64 outputs, any number of inputs. Quantised: panels of 32 outputs in blocks of 32 inputs, 4-bit
/// layouts at 4 bits, scales as in the file. The last panel is padded with zeros.
package final class PackedMatrix: @unchecked Sendable {
    package static let sideMax = 1 << 24

    package let outputs: Int
    package let inputs: Int
    package let format: MatrixFormat
    /// Bytes in memory, padding included.
    package let bytes: Int
    /// Never changes after init; a stable address for the kernels.
    let packed: UnsafeMutablePointer<ck_matrix>
    let data: UnsafeMutableRawPointer

    /// All zeros; the other initialisers fill it in.
    init(outputs: Int, inputs: Int, format: MatrixFormat) throws(PackingError) {
        guard (1...Self.sideMax).contains(outputs), (1...Self.sideMax).contains(inputs) else {
            throw .shape(outputs: outputs, inputs: inputs)
        }
        if case .blocks(let layout) = format, inputs % layout.blockWeights != 0 {
            throw .inputsNotWholeBlocks(inputs: inputs, layout: layout)
        }
        var matrix = format.matrix(outputs: Int64(outputs), inputs: Int64(inputs))
        let bytes = Int(matrix.panels * matrix.panel_bytes)
        guard let data = ck_allocate_weights(bytes) else { throw .outOfMemory(bytes: bytes) }
        matrix.data = UnsafePointer(data.assumingMemoryBound(to: UInt8.self))
        packed = .allocate(capacity: 1)
        packed.initialize(to: matrix)
        self.outputs = outputs
        self.inputs = inputs
        self.format = format
        self.bytes = bytes
        self.data = data
    }

    deinit {
        ck_free_weights(data, bytes)
        packed.deallocate()
    }
}

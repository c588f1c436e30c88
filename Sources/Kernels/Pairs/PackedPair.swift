import CKernels

/// delta = s · B (A u), packed for the kernels' lanes in the stored format. Immutable.
///
/// z = A u has eight chains, element k in chain k mod 8, and a fixed tree over them; y = s · B z has one chain over the rank: orders that
/// depend on the inputs and the rank alone.
package final class PackedPair: @unchecked Sendable {
    package static let rankMax = Int(CK_RANK_MAX)

    package let inputs: Int
    package let outputs: Int
    package let rank: Int
    /// s.
    package let scale: Float
    /// Bytes in memory, padding included.
    package let bytes: Int
    /// Never changes after init; a stable address for the kernels.
    let packed: UnsafeMutablePointer<ck_pair>
    private let data: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - down: A, [rank, inputs].
    ///   - up: B, [outputs, rank].
    package init(
        scale: Float, down: StoredShape, downBytes: RawSpan, up: StoredShape, upBytes: RawSpan
    ) throws(PackingError) {
        try down.require(downBytes)
        try up.require(upBytes)
        guard down.rows == up.columns, down.rows <= Self.rankMax else {
            throw .rank(down: down.rows, up: up.columns)
        }
        inputs = down.columns
        outputs = up.rows
        rank = down.rows
        self.scale = scale
        var downPacked = 0
        var dots = ck_dots_make(down.format.code, Int64(rank), Int64(inputs), &downPacked)
        let upShape = (Int64(up.rows), Int64(up.columns))
        let upStart = (downPacked + 63) / 64 * 64
        bytes = upStart + ck_up_bytes(up.format.code, upShape.0, upShape.1)
        guard let data = ck_allocate_weights(bytes) else { throw .outOfMemory(bytes: bytes) }
        self.data = data
        let downStrides = down.strides
        downBytes.withUnsafeBytes {
            ck_pack_dots(&dots, data, $0.baseAddress, downStrides.row, downStrides.column)
        }
        let upStrides = up.strides
        upBytes.withUnsafeBytes {
            ck_pack_up(
                up.format.code, data + upStart, upShape.0, upShape.1, $0.baseAddress, upStrides.row, upStrides.column)
        }
        dots.data = UnsafePointer(data.assumingMemoryBound(to: UInt8.self))
        packed = .allocate(capacity: 1)
        packed.initialize(
            to: ck_pair(
                down: dots, up_element: up.format.code, scale: scale, outputs: Int64(outputs),
                up: UnsafePointer((data + upStart).assumingMemoryBound(to: UInt8.self))))
    }

    deinit {
        ck_free_weights(data, bytes)
        packed.deallocate()
    }
}

/// Vectors [count, inputs] to take dot products with, f32: the gates of all experts at a site group. Immutable.
package final class PackedGates: @unchecked Sendable {
    package let count: Int
    package let inputs: Int
    /// Bytes in memory, padding included.
    package let bytes: Int
    let packed: UnsafeMutablePointer<ck_dots>
    private let data: UnsafeMutableRawPointer

    /// - Parameter values: [count, inputs], row after row.
    package init(_ values: [Float], inputs: Int) throws(PackingError) {
        let count = inputs > 0 ? values.count / inputs : 0
        guard count > 0, count <= PackedMatrix.sideMax, count * inputs == values.count else {
            throw .shape(outputs: count, inputs: inputs)
        }
        var bytes = 0
        var dots = ck_dots_make(Int32(CK_ELEMENT_F32), Int64(count), Int64(inputs), &bytes)
        guard let data = ck_allocate_weights(bytes) else { throw .outOfMemory(bytes: bytes) }
        values.withUnsafeBytes { ck_pack_dots(&dots, data, $0.baseAddress, Int64(inputs), 1) }
        dots.data = UnsafePointer(data.assumingMemoryBound(to: UInt8.self))
        packed = .allocate(capacity: 1)
        packed.initialize(to: dots)
        self.count = count
        self.inputs = inputs
        self.bytes = bytes
        self.data = data
    }

    deinit {
        ck_free_weights(data, bytes)
        packed.deallocate()
    }
}

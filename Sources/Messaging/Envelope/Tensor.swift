/// The element types of raw frames; the numbers are the wire's.
package enum TensorType: UInt32, Sendable, CaseIterable {
    case f32 = 1
    case bf16 = 2
    case i32 = 3
    case u8 = 4

    package var byteCount: Int {
        switch self {
        case .f32, .i32: 4
        case .bf16: 2
        case .u8: 1
        }
    }
}

/// A raw frame and what it means: row-major, little-endian, exactly product(shape) * size(type) bytes.
package struct Tensor: Sendable, Equatable {
    package let type: TensorType
    package let shape: [Int]
    package let bytes: [UInt8]

    package init(type: TensorType, shape: [Int], bytes: [UInt8]) throws(WireError) {
        let expected = try Self.byteCount(type: type, shape: shape)
        guard bytes.count >= expected else {
            throw .truncatedTensor("\(type) \(shape) takes \(expected) bytes, the frame has \(bytes.count)")
        }
        guard bytes.count == expected else {
            throw .malformed("\(type) \(shape) takes \(expected) bytes, the frame has \(bytes.count)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// One dimension: [count].
    package init(_ values: [Int32]) {
        type = .i32
        shape = [values.count]
        bytes = values.withUnsafeBytes { Array($0) }
    }

    /// `shape` must hold exactly as many elements as there are values.
    package init(_ values: [Float], shape: [Int]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for shape \(shape)")
        type = .f32
        self.shape = shape
        bytes = values.withUnsafeBytes { Array($0) }
    }

    /// An `f32` tensor whose elements `fill` writes, all of them, in row-major order.
    package init(shape: [Int], filling fill: (inout MutableSpan<Float>) -> Void) {
        let count = shape.reduce(1, *)
        type = .f32
        self.shape = shape
        bytes = [UInt8](unsafeUninitializedCapacity: count * 4) { buffer, initialised in
            // An array's elements start 32 bytes into a block of malloc's, which is aligned to 16.
            buffer.withMemoryRebound(to: Float.self) { floats in
                floats.initialize(repeating: 0)
                var span = floats.mutableSpan
                fill(&span)
            }
            initialised = count * 4
        }
    }

    /// Lends the elements of an `f32` tensor.
    package func withFloats<Value>(_ body: (Span<Float>) throws(WireError) -> Value) throws(WireError) -> Value {
        try require(.f32)
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(WireError) in try body(buffer.assumingMemoryBound(to: Float.self).span) }
        }
        return try result.get()
    }

    /// The elements of an `i32` tensor.
    package func int32s() throws(WireError) -> [Int32] {
        try require(.i32)
        return elements(Int32.self)
    }

    /// The elements of an `f32` tensor.
    package func floats() throws(WireError) -> [Float] {
        try require(.f32)
        return elements(Float.self)
    }

    private func require(_ wanted: TensorType) throws(WireError) {
        guard type == wanted else { throw .wrongDType("expected \(wanted), found \(type)") }
    }

    /// Frames carry no alignment; the copy does.
    private func elements<Element: BitwiseCopyable>(_: Element.Type) -> [Element] {
        let count = bytes.count / MemoryLayout<Element>.size
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialised in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            initialised = count
        }
    }

    static func byteCount(type: TensorType, shape: [Int]) throws(WireError) -> Int {
        guard shape.count <= WireLimits.dimensionsMax else {
            throw .oversize("\(shape.count) dimensions, at most \(WireLimits.dimensionsMax)")
        }
        var total = type.byteCount
        for extent in shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow, product <= WireLimits.tensorBytesMax else {
                throw .oversize("tensor \(shape), at most \(WireLimits.tensorBytesMax) bytes")
            }
            total = product
        }
        return total
    }
}

#if _endian(big)
    #error("tensor frames are little-endian: this machine needs a swapping copy in Tensor")
#endif

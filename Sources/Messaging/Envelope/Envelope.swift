import CEnvelope
import CProtobufC

/// One message of the wire: frame 0 says what it is, the frames after it are the tensors' bytes.
package struct Envelope: Sendable, Equatable {
    package static let currentVersion: UInt32 = 1

    package var message: Message
    package var tensors: [Tensor]

    package init(_ message: Message, tensors: [Tensor] = []) {
        precondition(tensors.count <= WireLimits.tensorsMax, "\(tensors.count) tensors in one message")
        self.message = message
        self.tensors = tensors
    }

    /// The frames to send.
    package func frames() -> [[UInt8]] { [packed()] + tensors.map(\.bytes) }

    private func packed() -> [UInt8] {
        let arena = Arena()
        let envelope = arena.message(skein__envelope__init) { c in
            c.version = Self.currentVersion
            c.n_tensors = tensors.count
            c.tensors = arena.list(tensors) { $0.encoded(arena) }
            message.encode(into: &c, arena)
        }
        let size = skein__envelope__get_packed_size(envelope)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialised in
            initialised = skein__envelope__pack(envelope, buffer.baseAddress)
        }
        return withExtendedLifetime(arena) { bytes }
    }

    /// Reads a message. Everything is checked: version, lengths, counts, UTF-8, and each tensor's bytes against its shape.
    package init(frames: [[UInt8]]) throws(WireError) {
        guard let first = frames.first else { throw .malformed("a message without frames") }
        guard first.count <= WireLimits.envelopeBytesMax else {
            throw .oversize("envelope of \(first.count) bytes, at most \(WireLimits.envelopeBytesMax)")
        }
        let version = try peekVersion(first)
        guard version == Self.currentVersion else { throw .unknownVersion(version) }
        let arena = Arena(budget: WireLimits.decodingBytesMax(envelopeBytes: first.count))
        var allocator = arena.allocator()
        guard let unpacked = skein__envelope__unpack(&allocator, first.count, first) else {
            throw .malformed("frame 0 (\(first.count) bytes) is not an Envelope, or one made to waste memory")
        }
        let decoded = Result { () throws(WireError) in
            let tensors = try readTensors(unpacked.pointee, frames: frames)
            return Envelope(try Message(unpacked.pointee), tensors: tensors)
        }
        self = try withExtendedLifetime(arena) { decoded }.get()
    }
}

extension Tensor {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Tensor> {
        arena.message(skein__tensor__init) { c in
            c.dtype = Skein__DType(rawValue: type.rawValue)
            c.n_shape = shape.count
            c.shape = arena.list(shape) { UInt64($0) }
        }
    }
}

private func readTensors(_ c: Skein__Envelope, frames: [[UInt8]]) throws(WireError) -> [Tensor] {
    guard c.n_tensors <= WireLimits.tensorsMax else {
        throw .oversize("\(c.n_tensors) tensors, at most \(WireLimits.tensorsMax)")
    }
    guard frames.count - 1 >= c.n_tensors else {
        throw .truncatedTensor("\(c.n_tensors) tensors announced, \(frames.count - 1) frames came")
    }
    guard frames.count - 1 == c.n_tensors else {
        throw .malformed("\(c.n_tensors) tensors announced, \(frames.count - 1) frames came")
    }
    var tensors: [Tensor] = []
    for index in 0..<c.n_tensors {
        guard let described = c.tensors?[index]?.pointee else { throw .malformed("tensor \(index) is empty") }
        guard let type = TensorType(rawValue: described.dtype.rawValue) else {
            throw .wrongDType("tensor \(index) has the unknown type \(described.dtype.rawValue)")
        }
        let shape = try readList(
            described.shape, described.n_shape, "Tensor.shape", max: WireLimits.dimensionsMax
        ) { (extent) throws(WireError) in
            guard let extent = Int(exactly: extent) else { throw .oversize("tensor \(index) has extent \(extent)") }
            return extent
        }
        tensors.append(try Tensor(type: type, shape: shape, bytes: frames[index + 1]))
    }
    return tensors
}

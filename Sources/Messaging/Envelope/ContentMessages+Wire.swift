import CEnvelope
import CProtobufC

extension ContentRequest {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ContentRequest> {
        arena.message(skein__content_request__init) { c in
            c.sha256 = arena.text(sha256)
            c.file = arena.text(file)
            c.offset = offset
        }
    }

    init(_ c: Skein__ContentRequest) throws(WireError) {
        self.init(
            sha256: try readText(c.sha256, "ContentRequest.sha256", max: WireLimits.nameBytesMax),
            file: try readText(c.file, "ContentRequest.file", max: WireLimits.nameBytesMax), offset: c.offset)
    }
}

extension ContentPart {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ContentPart> {
        arena.message(skein__content_part__init) { c in
            c.sha256 = arena.text(sha256)
            c.file = arena.text(file)
            c.offset = offset
            c.size = size
            c.kind = Skein__FailureKind(rawValue: kind?.rawValue ?? 0)
            c.message = arena.text(message)
        }
    }

    init(_ c: Skein__ContentPart) throws(WireError) {
        self.init(
            sha256: try readText(c.sha256, "ContentPart.sha256", max: WireLimits.nameBytesMax),
            file: try readText(c.file, "ContentPart.file", max: WireLimits.nameBytesMax), offset: c.offset,
            size: c.size, kind: c.kind.rawValue == 0 ? nil : FailureKind(rawValue: c.kind.rawValue) ?? .internal,
            message: try readText(c.message, "ContentPart.message", max: WireLimits.messageBytesMax))
    }
}

extension Envelope {
    /// A part with its bytes.
    package init(_ part: ContentPart, bytes: [UInt8]) throws(WireError) {
        self.init(.contentPart(part), tensors: [try Tensor(type: .u8, shape: [bytes.count], bytes: bytes)])
    }
}

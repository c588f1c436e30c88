/// The bytes of ZMTP 3.1 (ZeroMQ RFC 37) with the NULL mechanism, and nothing of sockets.
enum ZMTP {
    /// What went wrong with a peer's bytes; the connection ends.
    struct Fault: Error, Equatable {
        let what: String

        init(_ what: String) { self.what = what }
    }

    static let greetingBytes = 64
    /// A command is short: READY has two properties, PING a few bytes.
    static let commandBytesMax = 4096

    /// Signature, version 3.1, mechanism NULL, not a server of a mechanism, filler.
    static let greeting: [UInt8] = {
        var bytes = [UInt8](repeating: 0, count: greetingBytes)
        bytes[0] = 0xFF
        bytes[9] = 0x7F
        bytes[10] = 3
        bytes[11] = 1
        bytes.replaceSubrange(12..<16, with: Array("NULL".utf8))
        return bytes
    }()

    static func checkGreeting(_ bytes: some Collection<UInt8>) throws(Fault) {
        let bytes = Array(bytes)
        guard bytes.count == greetingBytes, bytes[0] == 0xFF, bytes[9] & 1 == 1 else {
            throw Fault("the peer does not speak ZMTP")
        }
        guard bytes[10] >= 3 else { throw Fault("the peer speaks ZMTP \(bytes[10]), older than 3") }
        guard bytes[12..<32] == greeting[12..<32] else { throw Fault("the peer wants another mechanism than NULL") }
    }

    /// The READY command, framed.
    static func ready(_ kind: Socket.Kind) -> [UInt8] {
        var body: [UInt8] = name("READY")
        for (key, value) in [("Socket-Type", kind == .router ? "ROUTER" : "DEALER"), ("Identity", "")] {
            body += name(key) + bigEndian(UInt64(value.utf8.count), bytes: 4) + Array(value.utf8)
        }
        return command(body)
    }

    /// Whether a command is READY, from a peer that may talk to this kind of socket.
    static func checkReady(_ body: [UInt8], for kind: Socket.Kind) throws(Fault) {
        guard body.starts(with: name("READY")) else { throw Fault("the handshake's command is not READY") }
        var place = 6
        while place < body.count {
            let nameEnd = place + 1 + Int(body[place])
            guard nameEnd + 4 <= body.count else { throw Fault("READY ends within a property") }
            let length = body[nameEnd..<nameEnd + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= body.count - nameEnd - 4 else { throw Fault("READY ends within a property") }
            let value = body[nameEnd + 4..<nameEnd + 4 + length]
            let key = String(decoding: body[place + 1..<nameEnd], as: UTF8.self)
            if key.lowercased() == "socket-type" {
                let type = String(decoding: value, as: UTF8.self)
                guard (kind == .router ? ["DEALER", "REQ", "ROUTER"] : ["ROUTER", "REP", "DEALER"]).contains(type)
                else { throw Fault("a peer of type \(type)") }
                return
            }
            place = nameEnd + 4 + length
        }
        throw Fault("READY does not say of what type the peer is")
    }

    /// The answer to a PING, framed; nil for any other command.
    static func pong(to body: [UInt8]) -> [UInt8]? {
        // A name, two bytes of time to live, a context of at most 16.
        guard body.starts(with: name("PING")), (7...23).contains(body.count) else { return nil }
        return command(name("PONG") + body[7...])
    }

    private static func name(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    private static func command(_ body: [UInt8]) -> [UInt8] {
        precondition(body.count < 256, "a long command")
        return [FrameHeader.commandFlag, UInt8(body.count)] + body
    }

    private static func bigEndian(_ value: UInt64, bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    /// Flags and size before a frame's body: two bytes, or nine where the body has 256 bytes or more.
    struct FrameHeader: Equatable {
        static let bytesMax = 9
        static let moreFlag: UInt8 = 1
        static let longFlag: UInt8 = 2
        static let commandFlag: UInt8 = 4

        let hasMore: Bool
        let isCommand: Bool
        let size: Int

        /// Nil where more bytes have to come first.
        static func read(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> (header: FrameHeader, length: Int)? {
            guard bytes.count >= 2 else { return nil }
            let flags = bytes[0]
            guard flags & ~(moreFlag | longFlag | commandFlag) == 0 else { throw Fault("reserved flags are set") }
            guard flags & longFlag != 0 else { return (FrameHeader(flags, Int(bytes[1])), 2) }
            guard bytes.count >= bytesMax else { return nil }
            var size: UInt64 = 0
            for index in 1..<bytesMax { size = size << 8 | UInt64(bytes[index]) }
            guard let size = Int(exactly: size) else { throw Fault("a frame of \(size) bytes") }
            return (FrameHeader(flags, size), bytesMax)
        }

        private init(_ flags: UInt8, _ size: Int) {
            hasMore = flags & Self.moreFlag != 0
            isCommand = flags & Self.commandFlag != 0
            self.size = size
        }

        /// Appends the header of a message's frame.
        static func append(size: Int, hasMore: Bool, to bytes: inout [UInt8]) {
            let more = hasMore ? moreFlag : 0
            if size < 256 {
                bytes.append(more)
                bytes.append(UInt8(size))
            } else {
                bytes.append(more | longFlag)
                bytes += ZMTP.bigEndian(UInt64(size), bytes: 8)
            }
        }
    }
}

import Messaging
import Testing

/// Hand-made protobuf: tag, length, bytes.
func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] { varint(number << 3 | 2) + varint(bytes.count) + bytes }
func field(_ number: Int, varint value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    while rest >= 0x80 {
        bytes.append(UInt8(rest & 0x7F) | 0x80)
        rest >>= 7
    }
    return bytes + [UInt8(rest)]
}

@Suite struct MalformedEnvelopeTests {
    private static let version = field(1, varint: 1)
    private static let id = field(1, [UInt8](repeating: 7, count: 16))

    private func refusal(_ frames: [[UInt8]]) -> WireError? {
        do {
            _ = try Envelope(frames: frames)
            return nil
        } catch { return error }
    }

    private func kind(_ envelope: [UInt8], _ more: [UInt8]...) -> FailureKind? { refusal([envelope] + more)?.kind }

    private func tensor(_ type: Int, _ shape: [Int]) -> [UInt8] {
        field(2, field(1, varint: type) + field(2, shape.flatMap(varint)))
    }

    private let assign = field(34, field(1, varint: 3))

    @Test func bytesThatAreNoEnvelope() {
        #expect(refusal([])?.kind == .malformed)
        #expect(kind(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == .malformed)
        #expect(kind([UInt8](repeating: 0xFF, count: 100)) == .malformed)
        #expect(kind(Self.version + field(15, Self.id).dropLast(3)) == .malformed)
    }

    @Test func versions() {
        #expect(refusal([field(15, Self.id)]) == .unknownVersion(0))
        #expect(refusal([[]]) == .unknownVersion(0))
        #expect(refusal([field(1, varint: 2) + field(15, [0xFF])]) == .unknownVersion(2))
        #expect(refusal([field(10, [1, 2, 3]) + field(1, varint: 7)]) == .unknownVersion(7))
    }

    @Test func bodies() {
        #expect(refusal([Self.version]) == .unknownBody)
        #expect(refusal([Self.version + field(99, [])]) == .unknownBody)
        // Unknown fields beside a known body come from a newer peer and are passed over.
        #expect(refusal([Self.version + field(15, Self.id + field(77, [1, 2]))]) == nil)
    }

    @Test(arguments: [0, 1, 15, 17, 1000])
    func idsOfAnotherLength(_ count: Int) {
        #expect(kind(Self.version + field(15, field(1, [UInt8](repeating: 7, count: count)))) == .malformed)
    }

    @Test func textThatIsNotUTF8() {
        #expect(kind(Self.version + field(10, Self.id + field(4, [0x61, 0xC3, 0x28]))) == .malformed)
        #expect(kind(Self.version + field(10, Self.id + field(4, [0xED, 0xA0, 0x80]))) == .malformed)
        #expect(kind(Self.version + field(10, Self.id + field(2, [0x80]) + field(4, [0x61]))) == .malformed)
    }

    @Test func tooMany() {
        let stops = (0..<17).flatMap { _ in field(9, [0x61]) }
        #expect(kind(Self.version + field(10, Self.id + field(4, [0x61]) + stops)) == .oversize)
        #expect(
            kind(Self.version + field(10, Self.id + field(4, [0x61]) + field(9, [UInt8](repeating: 0x61, count: 257))))
                == .oversize)
        let turns = (0..<1025).flatMap { _ in field(1, field(1, varint: 2) + field(2, [0x61])) }
        #expect(kind(Self.version + field(10, Self.id + field(3, turns))) == .oversize)
        #expect(kind(Self.version + field(10, Self.id + field(2, [UInt8](repeating: 0x61, count: 257)))) == .oversize)
        #expect(kind(Self.version + [UInt8](repeating: 0, count: 1 << 20)) == .oversize)
    }

    @Test func enumerationsOutOfRange() {
        #expect(kind(Self.version + field(10, Self.id + field(3, field(1, field(1, varint: 9))))) == .malformed)
        #expect(kind(Self.version + field(13, Self.id + field(3, varint: 0))) == .malformed)
    }

    @Test func tensorsAndTheirFrames() {
        let four = [UInt8](repeating: 0, count: 4)
        #expect(kind(Self.version + tensor(3, [1]) + assign, four) == nil)
        #expect(kind(Self.version + tensor(3, [1]) + assign) == .truncatedTensor)
        #expect(kind(Self.version + tensor(3, [2]) + assign, four) == .truncatedTensor)
        #expect(kind(Self.version + tensor(3, [0]) + assign, four) == .malformed)
        #expect(kind(Self.version + tensor(3, [1]) + assign, four, four) == .malformed)
        #expect(kind(Self.version + assign, four) == .malformed)
        #expect(kind(Self.version + tensor(0, [1]) + assign, four) == .wrongDType)
        #expect(kind(Self.version + tensor(9, [1]) + assign, four) == .wrongDType)
        #expect(kind(Self.version + tensor(3, [1, 1, 1, 1, 1]) + assign, four) == .oversize)
        #expect(kind(Self.version + tensor(3, [1 << 32, 1 << 32]) + assign, four) == .oversize)
        #expect(kind(Self.version + tensor(3, [-1]) + assign, four) == .oversize)
        #expect(kind(Self.version + tensor(3, [0, 1 << 40]) + assign, []) == nil)
        let nine = (0..<9).flatMap { _ in tensor(4, [0]) }
        #expect(refusal([Self.version + nine + assign] + [[UInt8]](repeating: [], count: 9))?.kind == .oversize)
    }

    /// Two bytes per empty message: protobuf-c would make 20 MB of structs out of one megabyte.
    @Test func envelopesMadeToWasteMemory() {
        let empty = [UInt8](repeating: 0, count: 0)
        let many = (0..<250_000).flatMap { _ in field(1, empty) }
        #expect(kind(Self.version + field(10, Self.id + field(3, many))) == .malformed)
        let scalars = (0..<250_000).flatMap { _ in field(1, varint: 1) }
        #expect(kind(Self.version + field(10, Self.id + field(5, scalars))) == .malformed)
    }

    /// A message field given twice is merged by protobuf-c, and an allocator that gives out in the middle of anything
    /// must leave it in order.
    @Test func everyTruncationAndMutationEndsInAnErrorOrAMessage() {
        var generator = SplitMix(seed: 20_261)
        var refused = 0
        for message in MessageExamples.all {
            let frame = Envelope(message).frames()[0]
            for count in 0..<frame.count where refusal([Array(frame.prefix(count))]) != nil { refused += 1 }
            for _ in 0..<300 {
                var mutated = frame + (Bool.random(using: &generator) ? frame : [])
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    mutated[Int.random(in: 0..<mutated.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                if refusal([mutated]) != nil { refused += 1 }
            }
        }
        #expect(refused > 1000)
    }
}

/// A generator whose seed is part of the test.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

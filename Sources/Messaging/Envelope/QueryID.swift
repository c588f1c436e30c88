/// A query's name: 16 bytes that its client drew at random, scoped to the client's identity.
package struct QueryID: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 16
    private let high: UInt64
    private let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil unless there are exactly 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let word = { (part: any Sequence<UInt8>) in part.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.init(high: word(bytes.prefix(8)), low: word(bytes.dropFirst(8)))
    }

    /// Drawn from the system's secure source unless another is given.
    package static func random(using generator: inout some RandomNumberGenerator) -> QueryID {
        QueryID(high: generator.next(), low: generator.next())
    }

    package static func random() -> QueryID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    package var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }

    /// 32 hexadecimal digits.
    package var description: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// A SHA-256 digest (FIPS 180-4): 32 bytes, written as 64 lower-case hexadecimal digits.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// Always 32.
    package let bytes: [UInt8]

    /// From 32 bytes; nil for any other number.
    package init?(bytes: [UInt8]) {
        guard bytes.count == SHA256.digestByteCount else { return nil }
        self.bytes = bytes
    }

    /// From 64 hexadecimal digits of either case; nil for anything else.
    package init?(hex: String) {
        let digits = Array(hex)
        guard digits.count == 2 * SHA256.digestByteCount else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard digits[index].isASCII, digits[index + 1].isASCII, let high = digits[index].hexDigitValue,
                let low = digits[index + 1].hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        self.bytes = bytes
    }

    /// The digest of bytes in memory.
    package init(of bytes: [UInt8]) {
        var hasher = SHA256()
        hasher.update(bytes)
        self = hasher.finalise()
    }

    package var hex: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    package var description: String { hex }
}

/// Bytes to text as they come, whole characters only.
package struct UTF8Stream: Sendable {
    /// At most three bytes: the beginning of a character.
    private var held: [UInt8] = []

    package init() {}

    /// The end of the stream: what is still held can no longer become a character.
    package mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// The text that `bytes` complete.
    package mutating func append(_ bytes: [UInt8]) -> String {
        let all = held + bytes
        let end = all.count - Self.openTail(all)
        held = Array(all[end...])
        return String(decoding: all[..<end], as: UTF8.self)
    }

    /// How many bytes at the end are the valid beginning of a longer character: 0 to 3.
    private static func openTail(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let tail = bytes[(bytes.count - length)...]
            let first = tail[tail.startIndex]
            if first & 0xC0 == 0x80 { continue }
            return length < width(first) && isValidStart(first, tail.dropFirst().first) ? length : 0
        }
        return 0
    }

    private static func width(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// Table 3-7 of the Unicode standard: what may follow the first byte. Later bytes are 80…BF, which the caller has seen.
    private static func isValidStart(_ first: UInt8, _ second: UInt8?) -> Bool {
        guard let second else { return true }
        return switch first {
        case 0xE0: second >= 0xA0
        case 0xED: second <= 0x9F
        case 0xF0: second >= 0x90
        case 0xF4: second <= 0x8F
        default: true
        }
    }
}

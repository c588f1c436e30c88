/// Between a rewrite and its bytes under `RewriteGrammar`.
package enum RewriteText {
    /// The bytes that stand for a text. Control characters without an escape become blanks.
    package static func encode(_ text: String) -> [UInt8] {
        var bytes = Array("(\"".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += Array("\\n".utf8)
            case UInt8(ascii: "\t"): bytes += Array("\\t".utf8)
            case 0..<0x20, 0x7F: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return bytes + Array("\")".utf8)
    }

    /// The text that complete bytes stand for; nil if they are not the grammar's.
    package static func decode(_ bytes: [UInt8]) -> String? {
        var grammar = RewriteGrammar(textBytesMax: bytes.count)
        guard bytes.allSatisfy({ grammar.take($0) }), grammar.isComplete else { return nil }
        var text: [UInt8] = []
        var escaped = false
        for byte in bytes.dropFirst(2).dropLast(2) {
            if escaped {
                text.append(RewriteGrammar.unescaped(byte) ?? byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

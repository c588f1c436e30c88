import Foundation

/// One log event as one line of text, bounded, without anything that a terminal or a line reader would act on:
/// `2026-11-23T20:13:46.123Z warning worker a[4711] skein.worker: message key=value`.
package struct LogLine {
    /// A longer line is cut and says by how much.
    package static let bytesMax = 8192

    /// The process as lines name it: "router", "worker a".
    package let process: String
    package let processID: Int32

    package init(process: String, processID: Int32 = getpid()) {
        self.process = process
        self.processID = processID
    }

    /// The line for `event`, a newline at its end.
    package func text(
        level: String, label: String, message: String, metadata: [String: String], at date: Date = Date()
    ) -> String {
        let time = date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        let word = level.padding(toLength: 8, withPad: " ", startingAt: 0)
        var line = "\(time)Z \(word) \(process)[\(processID)] \(label): \(message)"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quoted(value))"
        }
        return Self.cut(Self.plain(line)) + "\n"
    }

    /// In quotation marks when it could be read as more than one word.
    private static func quoted(_ value: String) -> String {
        value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" })
            ? "\"" + value.replacing("\"", with: "\\\"") + "\"" : value
    }

    /// Control characters (C0, C1 and DEL, newlines among them) as escapes.
    private static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { scalar in
            switch scalar {
            case "\n": "\\n"
            case "\t": "\\t"
            case _ where isControl(scalar): "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }.joined()
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        // U+2028 and U+2029 end a line for some readers.
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    private static func cut(_ line: String) -> String {
        let bytes = line.utf8
        guard bytes.count > bytesMax else { return line }
        // Decoding repairs a character that the cut went through.
        let kept = String(decoding: bytes.prefix(bytesMax - 64), as: UTF8.self)
        return kept + " … (\(bytes.count - bytesMax + 64) bytes more)"
    }
}

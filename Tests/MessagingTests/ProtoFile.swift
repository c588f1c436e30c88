import Foundation

/// `skein.proto`, read as text: the codec's tables are compared with it.
enum ProtoFile {
    /// Names and numbers of an enumeration.
    static func enumeration(_ name: String) throws -> [String: UInt32] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Sources/CEnvelope/skein.proto"), encoding: .utf8)
        guard let start = text.range(of: "enum \(name) {"),
            let end = text[start.upperBound...].range(of: "}")
        else { return [:] }
        var values: [String: UInt32] = [:]
        for match in text[start.upperBound..<end.lowerBound].matches(of: /([A-Z_]+) = ([0-9]+);/) {
            values[String(match.1)] = UInt32(match.2)
        }
        return values
    }
}

/// Files that a script made with other software.
enum Goldens {
    static func lines(_ name: String) throws -> [String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/\(name)")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    static func bytes(hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

import Digest

extension ExpertManifest {
    /// The manifest as YAML, always the same for the same values.
    package var yaml: String {
        var lines = [
            "format: \(Self.format)", "id: \(id)", "name: \(Self.quoted(name))", "kind: \(kind.rawValue)", "trunk:",
            "  name: \(Self.quoted(trunk.name))", "  sha256: \(Self.quoted(trunk.hash.hex))", "files:",
        ]
        lines += files.sorted { $0.key < $1.key }.map { "  \(Self.quoted($0.key)): \(Self.quoted($0.value.hex))" }
        lines.append("licence: \(Self.quoted(licence))")
        if !provenance.isEmpty { lines.append("provenance:") }
        lines += provenance.sorted { $0.key < $1.key }.map { "  \(Self.quoted($0.key)): \(Self.quoted($0.value))" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A double-quoted scalar (YAML 1.2, 7.3.1), unless the text is plainly a word.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            text.first?.isLetter == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        // Words that other readers take for something else than text.
        guard !isPlain || ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
        else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

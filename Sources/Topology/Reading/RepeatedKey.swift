import Yams

/// Where a key stands the second time in one mapping. The YAML reader says only where it stands first.
struct RepeatedKey {
    let line: Int

    /// - Parameter mark: where it stands first. Of a mapping in braces that is the best there is.
    init(_ key: String, in yaml: String, firstAt mark: Mark) {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        var seen = 0
        for (index, line) in lines.enumerated() where index + 1 >= mark.line {
            // Keys of a block stand below each other; the first may follow a list's dash.
            guard line.unicodeScalars.count >= mark.column else { continue }
            let head = line.unicodeScalars.prefix(mark.column - 1)
            guard index + 1 == mark.line || head.allSatisfy({ $0 == " " }) else {
                // Further left something else begins, unless the line says nothing.
                if line.unicodeScalars.first(where: { $0 != " " }) == "#" { continue }
                break
            }
            guard Self.begins(line.unicodeScalars.dropFirst(mark.column - 1), with: key) else { continue }
            seen += 1
            if seen == 2 {
                self.line = index + 1
                return
            }
        }
        line = mark.line
    }

    private static func begins(_ text: some Sequence<Unicode.Scalar>, with key: String) -> Bool {
        let text = String(String.UnicodeScalarView(text))
        return [key, "\"\(key)\"", "'\(key)'"].contains { name in
            text.hasPrefix(name) && text.dropFirst(name.count).drop(while: { $0 == " " }).first == ":"
        }
    }
}

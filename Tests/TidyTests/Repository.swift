import Foundation

/// The source tree that these tests were built from.
enum Repository {
    /// The folder with Package.swift.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Files below `folder` whose names end in one of `suffixes`, as paths relative to the root, sorted.
    static func files(in folder: String, suffixes: [String]) -> [String] {
        let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
        return (names?.compactMap { $0 as? String } ?? [])
            .filter { name in suffixes.contains { name.hasSuffix($0) } }
            .map { "\(folder)/\($0)" }.sorted()
    }

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Written by a program, whose source is what people read: protobuf-c's output, and tables of expected values.
    static func isGenerated(_ path: String) -> Bool {
        path.contains(".pb-c.") || path.hasSuffix("Goldens.swift")
    }

    /// Swift files below Sources, by target.
    static func swiftSources() -> [(target: String, path: String)] {
        files(in: "Sources", suffixes: [".swift"]).map { path in
            (String(path.split(separator: "/")[1]), path)
        }
    }
}

/// Swift text without comments and without what string literals hold: what is left is code. Lines stay lines.
func codeOnly(_ text: String) -> String {
    var code = text.replacing(/"""[\s\S]*?"""/) { match in
        String(repeating: "\n", count: match.output.count { $0 == "\n" })
    }
    code = code.replacing(/"(?:\\.|[^"\\\n])*"/) { _ in "\"\"" }
    code = code.replacing(/\/\*[\s\S]*?\*\//) { match in
        String(repeating: "\n", count: match.output.count { $0 == "\n" })
    }
    return code.replacing(/\/\/[^\n]*/) { _ in "" }
}

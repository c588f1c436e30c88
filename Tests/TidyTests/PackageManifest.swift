/// Package.swift's targets, read from its text.
struct PackageManifest {
    struct Target: Equatable {
        let name: String
        /// Targets of this package; products of others are left out.
        let dependencies: [String]
        let isTest: Bool
    }

    /// In the order in which they are declared.
    let targets: [Target]

    init(parsing text: String) {
        let opening = /\.(target|executableTarget|systemLibrary|testTarget)\s*\(\s*name: "(\w+)"/
        let code = text.replacing(/\/\/[^\n]*/) { _ in "" }
        targets = code.matches(of: opening).map { match in
            let body = Self.balanced(code[match.range.lowerBound...])
            return Target(
                name: String(match.output.2), dependencies: Self.dependencies(in: body),
                isTest: match.output.1 == "testTarget")
        }
    }

    /// From the start to the parenthesis that closes the first one.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 0
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                depth -= 1
                if depth == 0 { return text[...index] }
            }
        }
        return text
    }

    private static func dependencies(in body: Substring) -> [String] {
        guard let list = body.firstMatch(of: /dependencies:\s*\[([\s\S]*?)\]/)?.output.1 else { return [] }
        // `.product(name: "Yams", package: "Yams")` and the like are other packages'.
        let own = list.replacing(/\.product\([^)]*\)/) { _ in "" }
        return own.matches(of: /"(\w+)"/).map { String($0.output.1) }
    }
}

import Foundation
import Testing

@Suite("Tidy: what a machine can check of the style")
struct TidyTests {
    static let linesMax = 400
    /// Folders below a target, as in Sources/Routing/Queries/File.swift: one.
    static let foldersMax = 3
    static let bannedNames = [
        "Util", "Utils", "Utilities", "Helper", "Helpers", "Common", "Manager", "Managers", "Core", "Misc",
    ]

    @Test func filesAreSmall() throws {
        let files = ["Sources", "Tests"].flatMap {
            Repository.files(in: $0, suffixes: [".swift", ".c", ".h"])
        }
        #expect(files.count > 50, "found only \(files.count) files below \(Repository.root.path)")
        for path in files where !Repository.isGenerated(path) {
            let lines = try Repository.text(of: path).split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= Self.linesMax, "\(path) has \(lines) lines; split it by concept")
        }
    }

    @Test func namesAreConcepts() {
        for path in Repository.files(in: "Sources", suffixes: [".swift", ".c", ".h"]) {
            for component in path.split(separator: "/").dropFirst() {
                let words = camelWords(component.split(separator: ".")[0])
                let banned = words.filter { Self.bannedNames.contains($0) }
                #expect(banned.isEmpty, "\(path): name the concept, not the drawer (\(banned.joined(separator: ", ")))")
            }
        }
    }

    @Test func foldersAreShallow() {
        for path in Repository.files(in: "Sources", suffixes: [".swift", ".c", ".h"]) {
            let folders = path.split(separator: "/").count - 3
            #expect(folders <= Self.foldersMax, "\(path) is \(folders) folders deep")
        }
    }

    @Test func camelWordsAreSplit() {
        #expect(camelWords("QueryManagerTable") == ["Query", "Manager", "Table"])
        #expect(camelWords("Coreness+HTTPUtils") == ["Coreness", "HTTP", "Utils"])
    }

    private func camelWords(_ name: some StringProtocol) -> [String] {
        String(name).matches(of: /[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+/).map { String($0.output) }
    }

    // MARK: Pointers

    @Test func noPointerInAPackageSignature() throws {
        for (_, path) in Repository.swiftSources() {
            for signature in packageSignatures(try Repository.text(of: path)) where holdsPointer(signature) {
                Issue.record("\(path): a raw pointer in `\(signature)`; lend a Span or own it in a ~Copyable type")
            }
        }
    }

    @Test func signaturesAreFound() {
        let text = """
            package func a(
                _ x: Int,
                body: (UnsafeRawBufferPointer) -> Void
            ) throws {
                let inside: UnsafePointer<Int>? = nil
            }
            // package func b(_ x: OpaquePointer)
            func c(_ x: UnsafeRawPointer) {}
            package var d: UnsafePointer<Int> { e }
            package let f = "UnsafeRawPointer"
            package init(g: OpaquePointer) { self.g = g }
            package struct H { let x: UnsafeRawPointer }
            package private(set) var i: UnsafeMutableBufferPointer<Float>
            package let j: Int
            nonisolated(unsafe) let k: OpaquePointer
            package func l(_ m: Int = 3, n: [Int] = [1])
                throws -> UnsafeRawPointer
            """
        let found = packageSignatures(text)
        #expect(found.count == 8)
        #expect(
            found.filter(holdsPointer).map { $0.prefix(18) } == [
                "package func a( _ ", "package var d: Uns", "package init(g: Op", "package private(se",
                "package func l(_ m",
            ])
    }

    /// Declarations that other targets see, up to their body or value, white space folded.
    private func packageSignatures(_ text: String) -> [String] {
        let code = codeOnly(text)
        return code.matches(of: /\b(?:package|public)\s+(?!import\b|extension\b)/).map { match in
            signature(code[match.range.lowerBound...])
                .replacing(/\s+/, with: " ").trimmingCharacters(in: .whitespaces)
        }
    }

    /// Up to a brace or equals sign outside parentheses, or the end of a line that nothing continues.
    private func signature(_ code: Substring) -> Substring {
        var depth = 0
        for index in code.indices {
            switch code[index] {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0, "}" where depth == 0, "=" where depth == 0: return code[..<index]
            case "\n" where depth == 0:
                if code[index...].prefixMatch(of: /\s*(?:->|throws\b|async\b|where\b|:)/) == nil {
                    return code[..<index]
                }
            default: break
            }
        }
        return code
    }

    private func holdsPointer(_ signature: String) -> Bool {
        signature.contains(/\bUnsafe(Mutable)?(Raw)?(Buffer)?Pointer\b|\bOpaquePointer\b/)
    }
}

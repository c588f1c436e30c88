import FoundationEssentials
import Testing
import Tokenization
import Weights

/// The files beside make_goldens.py.
enum Goldens {
    static let folder = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex)) + "/Goldens"

    static func read(_ name: String) throws -> JSONValue { try JSONValue(path: folder + "/" + name) }

    /// The small vocabularies trained for the tests, and the default model's.
    static func tokenizer(_ family: String) throws -> Tokenizer {
        try Tokenizer(path: family == "default" ? modelPath() : folder + "/" + family)
    }

    /// SKEIN_MODEL, else `models/` in a folder above; missing, the test fails (the test script fetches the file).
    static func modelPath() throws -> String {
        if let path = ProcessInfo.processInfo.environment["SKEIN_MODEL"] { return path }
        let name = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
        var folder = Substring(#filePath)
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            let path = folder + "/" + name
            if FileManager.default.fileExists(atPath: String(path)) { return String(path) }
        }
        throw MissingModel(name: name)
    }

    struct MissingModel: Error, CustomStringConvertible {
        var name: String
        var description: String { "no \(name) above \(#filePath); deploy/run-tests.sh fetches it, or set SKEIN_MODEL" }
    }
}

extension JSONValue {
    var texts: [String] { arrayValue?.compactMap(\.textValue) ?? [] }
    var byteValues: [UInt8] { arrayValue?.compactMap { $0.integerValue.flatMap { UInt8(exactly: $0) } } ?? [] }
    var ids: [Int32] { arrayValue?.compactMap { $0.integerValue.flatMap { Int32(exactly: $0) } } ?? [] }
}

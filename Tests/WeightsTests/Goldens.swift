import Digest
import Foundation
import Weights

/// The files that `Goldens/make_goldens.py` made.
enum Goldens {
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(
            path: "Goldens/\(name)"
        ).path
    }

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path(name)))) }

    /// The digests of one section of digests.json, by tensor name.
    static func digests(_ section: String) throws -> [String: String] {
        let members = try JSONValue(path: path("digests.json"))[section]?.objectValue ?? [:]
        return Dictionary(
            uniqueKeysWithValues: members.compactMap { key, value in value.textValue.map { (key.text, $0) } })
    }
}

extension TensorView {
    /// The SHA-256, in hexadecimal digits, of all elements as little-endian floats, row by row through `dequantise`.
    func floatDigest() -> String {
        var hasher = SHA256()
        var row = [Float](repeating: 0, count: columns)
        for index in 0..<rows {
            var places = row.mutableSpan
            dequantise(row: index, into: &places)
            hasher.update(row.span.bytes)
        }
        return hasher.finalise().hex
    }
}

/// A folder that disappears with the closure.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "weights-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

/// The SHA-256 of bytes in hexadecimal digits.
func hash(_ bytes: [UInt8]) -> String { SHA256Digest(of: bytes).hex }

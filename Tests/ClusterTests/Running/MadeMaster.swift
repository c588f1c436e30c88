import Digest
import Foundation
import Weights

/// A master's folder that was not trained: the row of each functional token is that of an ordinary token, scaled, so that what it says
/// depends on the query and functional tokens hold nearly all of the mass.
enum MadeMaster {
    static let tokens = ["<general>", "<french>", "<unsafe>"]

    static func write(to folder: String, ordinary: [Int] = [339, 504, 2683], scale: Float = 4) throws {
        let file = try Places.model()
        let embedding = try Checkpoint.open(file).tensor("model.embed_tokens.weight")
        let rows = ordinary.flatMap { row -> [Float] in
            var values = [Float](repeating: 0, count: embedding.columns)
            var span = values.mutableSpan
            embedding.dequantise(row: row, into: &span)
            return values
        }
        var writer = SafetensorsWriter()
        writer.add("embedding", shape: [tokens.count, embedding.columns], rows)
        writer.add("head", shape: [tokens.count, embedding.columns], rows.map { scale * $0 })
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(writer.bytes()).write(to: URL(fileURLWithPath: "\(folder)/\(MasterFolder.rowsFile)"))
        let list = tokens.map { "{\"token\": \"\($0)\", \"description\": \"\"}" }.joined(separator: ", ")
        let json = """
            {"version": 1, "trunk_sha256": "\(try SHA256Digest(ofFileAt: file).hex)", "temperature": 1.5, "tokens": [\(list)]}
            """
        try json.write(toFile: "\(folder)/\(MasterFolder.descriptionFile)", atomically: true, encoding: .utf8)
    }
}

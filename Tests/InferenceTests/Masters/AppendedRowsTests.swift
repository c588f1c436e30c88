import Foundation
import Inference
import Testing
import Weights

/// A master that learns another node (`skein train tokens --append`) keeps its rows and its adapter; what it thinks of the nodes that it
/// had must then be what it was.
struct AppendedRowsTests {
    /// [count, hidden], the same for the same row whatever the count.
    private static func rows(_ count: Int, _ width: Int) -> [Float] {
        (0..<count * width).map { Float(sin(Double($0) * 0.7)) }
    }

    private static func folder(tokens count: Int, _ configuration: ModelConfiguration, _ path: String) throws
        -> MasterFolder
    {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var writer = SafetensorsWriter()
        let shape = [count, configuration.hiddenSize]
        writer.add("embedding", shape: shape, rows(count, configuration.hiddenSize))
        writer.add("head", shape: shape, rows(count, configuration.hiddenSize))
        try Data(writer.bytes()).write(to: URL(filePath: "\(path)/\(MasterFolder.rowsFile)"))
        let list = (0..<count).map { "{\"token\": \"<\($0)>\", \"description\": \"\"}" }.joined(separator: ", ")
        let hash = String(repeating: "0", count: 64)
        try "{\"version\": 1, \"trunk_sha256\": \"\(hash)\", \"temperature\": 1, \"tokens\": [\(list)]}"
            .write(toFile: "\(path)/\(MasterFolder.descriptionFile)", atomically: true, encoding: .utf8)
        return try MasterFolder.open(path, for: configuration)
    }

    @Test(arguments: [ComputeMode.exact, .fast])
    func theLogitsOfTheTokensBeforeStayBitForBit(_ mode: ComputeMode) throws {
        let model = try TestModels.tiny("llama3", mode)
        let path = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        func logits(_ count: Int, _ ids: [Int32]) throws -> [UInt32] {
            let folder = try Self.folder(tokens: count, model.configuration, "\(path)/\(count)")
            let extended = model.appending(try FunctionalRows(folder))
            let found = try MasterReader(extended, adapter: nil, team: TestModels.team).read(ids)
            #expect(found.count == model.configuration.vocabularySize + count)
            return found.map(\.bitPattern)
        }
        for length in [1, 5, 23] {
            let ids = (0..<length).map { Int32(($0 * 29 + 3) % 96) }
            let (before, after) = (try logits(12, ids), try logits(13, ids))
            #expect(before == Array(after.dropLast()))
        }
    }
}

import Foundation
import SystemReasons
import Testing

@Suite("Why something failed, in the system's words") struct SystemReasonTests {
    private func reason(_ body: () throws -> Void) -> String {
        do { try body() } catch let error as DecodingError { return SystemReason.text(of: error) } catch {
            return SystemReason.text(of: error)
        }
        return "nothing failed"
    }

    @Test("what files refuse") func files() throws {
        let folder = "/tmp/skein-reasons-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: "\(folder)/inner", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data([1]).write(to: URL(filePath: "\(folder)/file"))
        #expect(reason { _ = try Data(contentsOf: URL(filePath: "\(folder)/gone")) } == "No such file or directory")
        #expect(
            reason { try FileManager.default.contentsOfDirectory(atPath: "\(folder)/gone").forEach { _ in } }
                == "No such file or directory")
        #expect(
            reason { try FileManager.default.moveItem(atPath: "\(folder)/inner", toPath: "\(folder)/file") }
                == "File exists")
        #expect(reason { try Data([1]).write(to: URL(filePath: "\(folder)/gone/file")) } == "No such file or directory")
        #expect(reason { throw POSIXError(.ENOSPC) } == "No space left on device")
        #expect(reason { throw CocoaError(.fileWriteOutOfSpace) } == "No space left on device")
    }

    private struct Document: Decodable {
        struct Item: Decodable { let name: String }
        let items: [Item]
    }

    @Test(
        "where a JSON document is wrong",
        arguments: [
            ("{", "is not JSON"), ("{}", "items is missing"), (#"{"items": null}"#, "items is null"),
            (#"{"items": [{"name": "a"}, {}]}"#, "items[1].name is missing"),
            (#"{"items": [{"name": 1}]}"#, "items[0].name has the wrong type"), ("3", "has the wrong type"),
        ])
    func documents(text: String, expected: String) {
        #expect(reason { _ = try JSONDecoder().decode(Document.self, from: Data(text.utf8)) } == expected)
    }
}

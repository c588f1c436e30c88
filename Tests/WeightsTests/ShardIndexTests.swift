import Foundation
import Testing
import Weights

/// `model.safetensors.index.json` names files; it may not name just any file.
struct ShardIndexTests {
    /// A copy of the sharded golden whose index has `name` in place of the second shard.
    private func open(naming name: String, removing removed: String? = nil) throws -> Checkpoint {
        try withTemporaryFolder { folder in
            let second = "model-00002-of-00002.safetensors"
            for file in ["config.json", "model-00001-of-00002.safetensors", second] where file != removed {
                try write(Goldens.bytes("tiny-sharded/\(file)"), to: "\(folder)/\(file)")
            }
            let index = String(decoding: try Goldens.bytes("tiny-sharded/model.safetensors.index.json"), as: UTF8.self)
            let lying = index.replacingOccurrences(of: "\"\(second)\"", with: "\"\(name)\"")
            try write(Array(lying.utf8), to: "\(folder)/model.safetensors.index.json")
            return try Checkpoint.open(folder)
        }
    }

    @Test func theHonestIndexOpens() throws {
        #expect(try open(naming: "model-00002-of-00002.safetensors").files.count == 2)
    }

    @Test(arguments: [
        "../model.safetensors", "/etc/passwd", "..", ".", "", "a/b.safetensors", ".hidden", "a\\u0000b",
        "./x.safetensors",
    ])
    func namesThatLeaveTheFolderAreRefused(_ name: String) {
        do {
            _ = try open(naming: name)
            Issue.record("opened")
        } catch let error as WeightsError {
            #expect(error.reason == .malformed && error.field.hasPrefix("weight_map."), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func aMissingShardIsNamed() {
        expectError(.missing, "weight_map") {
            try open(naming: "model-00002-of-00002.safetensors", removing: "model-00002-of-00002.safetensors")
        }
    }

    @Test func indexAndShardsMustAgree() {
        do {
            _ = try open(naming: "model-00001-of-00002.safetensors")
            Issue.record("opened")
        } catch let error as WeightsError {
            #expect(error.reason == .inconsistent && error.field.hasPrefix("weight_map."), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func anIndexWithoutAMapIsRefused() throws {
        try withTemporaryFolder { folder in
            try write(Goldens.bytes("tiny-sharded/config.json"), to: "\(folder)/config.json")
            try write(Array(#"{"weight_map":{}}"#.utf8), to: "\(folder)/model.safetensors.index.json")
            expectError(.malformed, "weight_map") { try Checkpoint.open(folder) }
        }
    }
}

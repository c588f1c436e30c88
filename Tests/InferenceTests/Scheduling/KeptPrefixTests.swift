import Foundation
import Inference
import Testing
import Weights

/// A master decides, and words the query from where it stands.
@Suite("Prompts that are continued")
struct KeptPrefixTests {
    /// The tiny model with two functional tokens whose logits tower over all others.
    private static func master() throws -> LanguageModel {
        let trunk = try TestModels.tiny("mha")
        let hidden = trunk.configuration.hiddenSize
        let folder = FileManager.default.temporaryDirectory.appending(path: "kept-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let rows = (0..<2 * hidden).map { Float($0 % 7) - 3 }
        var writer = SafetensorsWriter()
        writer.add("embedding", shape: [2, hidden], rows)
        writer.add("head", shape: [2, hidden], rows.map { 1000 * $0 })
        try Data(writer.bytes()).write(to: folder.appending(path: MasterFolder.rowsFile))
        let json = """
            {"version": 1, "trunk_sha256": "\(String(repeating: "0", count: 64))", "temperature": 1.0,
             "tokens": [{"token": "<a>", "description": ""}, {"token": "<b>", "description": ""}]}
            """
        try Data(json.utf8).write(to: folder.appending(path: MasterFolder.descriptionFile))
        return trunk.appending(try FunctionalRows(try MasterFolder.open(folder.path, for: trunk.configuration)))
    }

    /// Token i is the character 32 + i: enough for the grammar of a rewrite.
    private static let pieces = (0..<96).map { [UInt8(32 + $0)] }

    private static func engine(kept: Int, pages: Int = 8) throws -> Engine {
        var limits = EngineLimits(
            tokensPerStepMax: 16, promptTokensBesideDecodingMax: 16, sequencesMax: 2, waitingMax: 3, contextMax: 64,
            keyValuePagesMax: pages)
        limits.prefixesKeptMax = kept
        return try Engine(model: master(), limits: limits, team: TestModels.team, pieces: pieces)
    }

    private static let prompt = (0..<40).map { Int32(($0 * 5 + 3) % 96) }

    private static func run(_ engine: Engine, _ request: GenerationRequest) throws -> (tokens: [Int32], computed: Int) {
        _ = try engine.add(request)
        var (tokens, computed): ([Int32], Int) = ([], 0)
        while engine.hasWork {
            for case .token(_, let token) in engine.step() { tokens.append(token.id) }
            computed += engine.statistics.prefillTokens + engine.statistics.decodeTokens
        }
        return (tokens, computed)
    }

    private static let decide = GenerationRequest(prompt: prompt, maxTokens: 1, task: .decide)
    private static let rewrite = GenerationRequest(
        prompt: prompt + [97], maxTokens: 20, task: .rewrite(textBytesMax: 16))

    @Test func aRewriteGoesOnFromTheDecision() throws {
        let keeps = try Self.engine(kept: 8), forgets = try Self.engine(kept: 0)
        for engine in [keeps, forgets] { #expect(try Self.run(engine, Self.decide).computed == 40) }
        let (with, without) = (try Self.run(keeps, Self.rewrite), try Self.run(forgets, Self.rewrite))
        #expect(with.tokens == without.tokens && !with.tokens.isEmpty)
        // One row for the functional token, then one for each token but the last.
        #expect(with.computed == with.tokens.count && without.computed == 40 + with.tokens.count)
        #expect(keeps.reusedTokens == 40 && forgets.reusedTokens == 0)
        // Used once: whoever comes next reads the prompt again.
        #expect(try Self.run(keeps, Self.rewrite).tokens == with.tokens)
        #expect(keeps.reusedTokens == 40)
    }

    @Test func theSamePromptIsNotReadTwiceEither() throws {
        let engine = try Self.engine(kept: 8)
        let answer = GenerationRequest(prompt: Self.prompt, maxTokens: 5)
        let alone = try Self.run(try Self.engine(kept: 0), answer)
        _ = try Self.run(engine, Self.decide)
        let after = try Self.run(engine, answer)
        #expect(after.tokens == alone.tokens && after.computed == 5 && alone.computed == 44)
        // Functional tokens tower over all others, and an answer never holds one.
        #expect(after.tokens.count == 5 && after.tokens.allSatisfy { $0 < 96 })
    }

    @Test func anotherPromptOrRouteIsNoContinuation() throws {
        let engine = try Self.engine(kept: 8)
        _ = try Self.run(engine, Self.decide)
        var other = Self.rewrite
        other.prompt[10] = 1
        _ = try Self.run(engine, other)
        #expect(engine.reusedTokens == 0)
    }

    @Test func keptPagesGiveWayAndAreBounded() throws {
        let engine = try Self.engine(kept: 1, pages: 2)
        for start in 0..<5 {
            var request = Self.decide
            request.prompt[0] = Int32(start)
            _ = try Self.run(engine, request)
        }
        // Two sequences take the two pages, all that there are: the kept one goes.
        let other = GenerationRequest(prompt: (0..<40).map { Int32($0 % 96) }, maxTokens: 20)
        _ = try engine.add(other)
        #expect(try Self.run(engine, other).tokens.count == 40)
        #expect(try Self.run(engine, Self.rewrite).computed > 40)
    }
}

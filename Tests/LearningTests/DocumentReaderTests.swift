import Foundation
import Learning
import Testing
import Tokenization

/// JSON lines and plain text, through the shipped model's vocabulary.
struct DocumentReaderTests {
    private static func model() throws -> String {
        if let path = ProcessInfo.processInfo.environment["SKEIN_MODEL"] { return path }
        var folder = URL(filePath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let path = folder.appending(path: "models/SmolLM2-135M-Instruct.Q4_1.gguf").path
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        throw LearningError(.unreadable, "models", "fetch the model: deploy/fetch-model.sh")
    }

    /// The documents of a file with this content.
    private static func read(_ content: String, _ name: String = "data.jsonl") throws -> [TrainingDocument] {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)")
        try content.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try DocumentReader(ModelText(path: model()), model: "model").read(file.path).documents
    }

    /// What a document makes the model predict, as text.
    private static func targets(_ document: TrainingDocument) throws -> String {
        let tokenizer = try ModelText(path: model()).tokenizer
        return tokenizer.decode(zip(document.tokens, document.isTarget).filter(\.1).map(\.0), skippingSpecial: false)
    }

    @Test func ofTheRewritesAShareIsLearnedAndCountsLess() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = (0..<40).map { "{\"query\": \"what is \($0)\", \"token\": \"<a>\", \"rewrite\": \"\($0)?\"}\n" }
        try (lines.joined() + "{\"query\": \"no\", \"token\": \"<a>\"}\n").write(
            to: file, atomically: true, encoding: .utf8)
        let text = try ModelText(path: Self.model())
        func documents(_ rewrites: FunctionalExamples.RewriteShare) throws -> [TrainingDocument] {
            try FunctionalExamples(path: file.path).documents(text, ids: ["<a>": 49152], end: 2, rewrites: rewrites) {
                Array("(\"\($0)\")".utf8)
            }
        }
        let (all, some) = (try documents(.init()), try documents(.init(share: 0.25, weight: 0.05, seed: 7)))
        #expect(all.allSatisfy { $0.tokens.last == 2 && $0.weights.allSatisfy { [0, 1].contains($0) } })
        let short = some.dropLast().filter { $0.tokens.last == 49152 }
        #expect((20...38).contains(short.count), "about three quarters end at the functional token")
        #expect(short.allSatisfy { $0.weights.reduce(0, +) == 1 })
        for (whole, cut) in zip(all, some) where cut.tokens.last == 2 {
            #expect(cut.tokens == whole.tokens)
            let behind = cut.weights.dropFirst(1 + (cut.weights.firstIndex(of: 1) ?? 0))
            #expect(!behind.isEmpty && behind.allSatisfy { $0 == 0.05 })
        }
        #expect(some.last?.tokens.last == 2, "an example without a rewrite ends the turn")
        #expect(some == (try documents(.init(share: 0.25, weight: 0.05, seed: 7))))
    }

    @Test func textIsLearnedWhole() throws {
        let documents = try Self.read(
            "{\"text\": \"Geese fly.\"}\n\n{\"text\": \"Ducks swim.\", \"split\": \"held\"}\n")
        #expect(documents.map(\.isHeld) == [nil, true])
        #expect(try documents.map(Self.targets) == ["Geese fly.<|endoftext|>", "Ducks swim.<|endoftext|>"])
        #expect(documents.allSatisfy { $0.isText && $0.isTarget.allSatisfy { $0 } })
        #expect(documents[1].place.hasSuffix("line 3"))
        let plain = try Self.read("Geese fly.", "plain.txt")
        #expect(plain.map(\.tokens) == [documents[0].tokens])
    }

    @Test func ofAPairTheCompletionIsLearned() throws {
        let documents = try Self.read(
            "{\"prompt\": \"Who flies? <|im_end|>\", \"completion\": \" Geese.\", \"split\": \"train\"}")
        let document = try #require(documents.first)
        #expect(try Self.targets(document) == " Geese.<|endoftext|>")
        #expect(document.isHeld == false && !document.isText)
        #expect(document.isTarget.first == false)
        // Text of a prompt is text, also where it looks like a special token.
        let special = try ModelText(path: Self.model()).tokenizer.addedToken("<|im_end|>")?.id
        #expect(special != nil && !document.tokens.contains { $0 == special })
    }

    @Test func ofAConversationTheAnswersAreLearned() throws {
        let messages = [
            ("user", "Who flies?"), ("assistant", "Geese."), ("user", "Who swims?"), ("assistant", "Ducks."),
        ]
        let list = messages.map { "{\"role\": \"\($0.0)\", \"content\": \"\($0.1)\"}" }.joined(separator: ", ")
        let document = try #require(try Self.read("{\"messages\": [\(list)]}").first)
        #expect(try Self.targets(document) == "Geese.<|im_end|>Ducks.<|im_end|>")
        #expect(!document.isText)
    }

    @Test(arguments: [
        ("{\"txt\": \"a\"}", "neither"), ("{\"prompt\": \"a\"}", "neither"), ("[1]", "not a JSON object"),
        ("{\"text\": 3}", "not a JSON object"), ("{\"text\": \"a\", \"split\": \"dev\"}", "the split \"dev\""),
        ("{\"messages\": [{\"role\": \"goose\", \"content\": \"a\"}]}", "the role \"goose\""),
        ("{\"text\": \"a\"", "not a JSON object"),
    ])
    func aBadLineIsNamed(line: String, complaint: String) throws {
        #expect {
            _ = try Self.read("{\"text\": \"good\"}\n\n\(line)\n{\"text\": \"good\"}")
        } throws: { error in
            guard let error = error as? LearningError else { return false }
            return error.reason == .malformed && error.place.hasSuffix("line 3") && error.detail.contains(complaint)
        }
    }
}

import FoundationEssentials
import Testing
import Tokenization
import Weights

/// A vocabulary that contradicts itself, or asks for what is not supported, is refused by name.
@Suite struct RefusalTests {
    private static func source(
        tokens: [String] = ["a", "b", "ab"], kinds: [VocabularySource.TokenKind]? = nil, merges: [String] = ["a b"],
        added: [VocabularySource.AddedToken] = []
    ) -> VocabularySource {
        VocabularySource(
            tokens: PackedStrings(tokens), kinds: kinds ?? tokens.map { _ in .normal }, merges: PackedStrings(merges),
            addedTokens: added, preTokenizer: .gpt2)
    }

    @Test func contradictions() throws {
        #expect(try Tokenizer(Self.source()).encode("aab") == [0, 2])
        let bad: [(VocabularySource, String)] = [
            (Self.source(tokens: [], merges: []), "tokens"),
            (Self.source(kinds: [.normal]), "token types"),
            (Self.source(merges: ["ab"]), "merges[0]"),
            (Self.source(merges: ["a b c"]), "merges[0]"),
            (Self.source(merges: ["a b", "a z"]), "merges[1]"),
            (Self.source(merges: ["b a"]), "merges[0]"),
            (Self.source(added: [.init(id: 3, text: "<x>")]), "added token 3"),
            (Self.source(added: [.init(id: -1, text: "<x>")]), "added token -1"),
            (Self.source(added: [.init(id: 0, text: "")]), "added token 0"),
        ]
        for (source, field) in bad {
            let error = #expect(throws: TokenizationError.self) { try Tokenizer(source) }
            guard case .malformed(field, _) = error else {
                Issue.record("expected a malformed \(field), got \(String(describing: error))")
                continue
            }
        }
        var source = Self.source()
        source.endOfSequence = 3
        #expect(throws: TokenizationError.self) { try Tokenizer(source) }
    }

    @Test func byteFallbackIsRefusedByName() {
        let source = Self.source(kinds: [.normal, .byte, .normal])
        #expect(throws: TokenizationError.unsupported(feature: "byte fallback (token 1 has type 'byte')")) {
            try Tokenizer(source)
        }
    }

    /// A merge that would spell a control token does not: text stays inert.
    @Test func noMergeMakesAControlToken() throws {
        let source = Self.source(
            kinds: [.normal, .normal, .control], added: [VocabularySource.AddedToken(id: 2, text: "ab")])
        let tokenizer = try Tokenizer(source)
        #expect(tokenizer.encode("ab") == [0, 1])
        #expect(tokenizer.encode("ab", parseSpecial: true) == [2])
    }

    @Test func bytesThatTheVocabularyLacksAreDropped() throws {
        // As in the `tokenizers` library, their neighbours then stand side by side.
        #expect(try Tokenizer(Self.source()).encode("axb") == [2])
    }

    @Test func unknownPreTokenizersAreNamed() {
        #expect(throws: TokenizationError.unsupportedPreTokenizer("tekken")) { try PreTokenizer(ggufName: "tekken") }
    }

    // MARK: tokenizer.json

    /// Loads a `tokenizer.json` with `pattern` in gpt2's replaced.
    private static func load(_ pattern: String, _ replacement: String) throws -> Tokenizer {
        let whole = try String(contentsOfFile: Goldens.folder + "/gpt2/tokenizer.json", encoding: .utf8)
        let changed = whole.replacing(pattern, with: replacement)
        try #require(changed != whole)
        let folder = TemporaryFolder()
        try changed.write(toFile: folder.path + "/tokenizer.json", atomically: false, encoding: .utf8)
        return try Tokenizer(folder: folder.path)
    }

    /// A folder that goes when it is no longer held.
    private final class TemporaryFolder {
        let path: String

        init() {
            path = FileManager.default.temporaryDirectory.path + "/skein-tokenizer-\(UUID().uuidString)"
            try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test(arguments: [
        (#""byte_fallback":false"#, #""byte_fallback":true"#, "model.byte_fallback"),
        (#""continuing_subword_prefix":null"#, #""continuing_subword_prefix":"@@""#, "model.continuing_subword_prefix"),
        (#""end_of_word_suffix":null"#, #""end_of_word_suffix":"</w>""#, "model.end_of_word_suffix"),
        (#""normalizer":null"#, #""normalizer":{"type":"Lowercase"}"#, "normalizer 'Lowercase'"),
    ])
    func unsupportedFeaturesOfTheFileAreNamed(_ pattern: String, _ replacement: String, _ feature: String) {
        #expect(throws: TokenizationError.unsupported(feature: feature)) { _ = try Self.load(pattern, replacement) }
    }

    @Test(arguments: [
        (#""type":"BPE""#, #""type":"Unigram""#),
        (#""add_prefix_space":false"#, #""add_prefix_space":true"#),
        (#""pre_tokenizer":{"type":"ByteLevel""#, #""pre_tokenizer":{"type":"Metaspace""#),
        (#""merges":["#, #""merges":[7,"#),
        (#""merges":["#, #""merges":["Ġ","#),
        (#""merges":["#, #""merged":["#),
        (#""vocab":{"#, #""vocab":{"other":0,"#),
        (#""vocab":{"#, #""vocab":{"other":-4,"#),
        (#""vocab":{"#, #""vocab":{"other":2000000000,"#),
        (#""vocab":{"#, #""vocab":{"other":1e99,"#),
        (#""special":true"#, #""special":"yes""#),
        (#""id":1300"#, #""id":1300000000"#),
        (#"{"version""#, #"["version""#),
    ])
    func brokenFilesGiveATypedError(_ pattern: String, _ replacement: String) {
        #expect(throws: TokenizationError.self) { _ = try Self.load(pattern, replacement) }
    }

    @Test func aMissingFolderIsNamed() {
        let error = #expect(throws: TokenizationError.self) { try Tokenizer(path: "/nonexistent/model") }
        #expect(error?.description.contains("/nonexistent/model/tokenizer.json") == true)
    }

    @Test func settingsBesideTheFile() throws {
        let folder = TemporaryFolder()
        let file = try String(contentsOfFile: Goldens.folder + "/llama3/tokenizer.json", encoding: .utf8)
        let processor =
            #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}}]}"#
        try file.replacing(#""post_processor":null"#, with: #""post_processor":"# + processor)
            .write(toFile: folder.path + "/tokenizer.json", atomically: false, encoding: .utf8)
        let configuration =
            #"{"bos_token":{"content":"<|begin_of_text|>"},"eos_token":"<|eot_id|>","chat_template":"c"}"#
        try configuration.write(toFile: folder.path + "/tokenizer_config.json", atomically: false, encoding: .utf8)
        let tokenizer = try Tokenizer(folder: folder.path)
        #expect(tokenizer.beginOfSequence.map { tokenizer.piece($0) } == Array("<|begin_of_text|>".utf8))
        #expect(tokenizer.endOfGeneration == [try #require(tokenizer.endOfSequence)])
        #expect(tokenizer.addsBeginOfSequence)
        #expect(tokenizer.chatTemplate == "c")
        try "in a file".write(toFile: folder.path + "/chat_template.jinja", atomically: false, encoding: .utf8)
        #expect(try Tokenizer(path: folder.path + "/model.safetensors").chatTemplate == "in a file")
    }
}

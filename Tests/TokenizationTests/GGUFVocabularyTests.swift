import FoundationEssentials
import Testing
import Tokenization
import Weights

/// GGUF metadata written by the test itself, from the vocabularies of the goldens.
@Suite struct GGUFVocabularyTests {
    @Test(arguments: [("gpt2", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2", "qwen2")])
    func theSameIdsAsFromTokenizerJSON(_ family: String, _ name: String) throws {
        let tokenizer = try Self.load(try MetadataBytes(family: family, preTokenizer: name))
        let golden = try #require(try Goldens.read("tokens.json")["families"]?[family])
        let corpus = try Corpus()
        for index in 0..<Corpus.chunkCount {
            let ids = tokenizer.encode(bytes: corpus.chunk(index))
            #expect(FNV.hash(ids: ids) == golden["inert"]?.texts[index])
            // GGUF has no flags: qwen2's token that matches normalised text differs.
            if family == "qwen2" { continue }
            let parsed = tokenizer.encode(bytes: corpus.chunk(index), parseSpecial: true)
            #expect(FNV.hash(ids: parsed) == golden["parsed"]?.texts[index])
        }
        #expect(tokenizer.endOfSequence == 0)
        #expect(tokenizer.addsBeginOfSequence == (family == "llama3"))
    }

    @Test func whatIsMissingWrongOrUnsupportedIsNamed() throws {
        func error(_ change: (inout MetadataBytes) -> Void) throws -> TokenizationError? {
            var metadata = try MetadataBytes(family: "gpt2", preTokenizer: "gpt-2")
            change(&metadata)
            return #expect(throws: TokenizationError.self) { try Self.load(metadata) }
        }
        func field(_ change: (inout MetadataBytes) -> Void) throws -> String {
            guard case .malformed(let field, _)? = try error(change) else { return "" }
            return field
        }
        #expect(try error { $0.preTokenizer = "tekken" } == .unsupportedPreTokenizer("tekken"))
        #expect(try error { $0.model = "bert" } == .unsupportedModel("bert"))
        #expect(try field { $0.preTokenizer = nil } == "tokenizer.ggml.pre")
        #expect(try field { $0.model = nil } == "tokenizer.ggml.model")
        #expect(try field { $0.kinds.removeLast() } == "tokenizer.ggml.token_type")
        #expect(try field { $0.kinds[5] = 9 } == "tokenizer.ggml.token_type[5]")
        #expect(try field { $0.kinds[5] = -1 } == "tokenizer.ggml.token_type[5]")
        #expect(try field { $0.merges[7] = "x" } == "merges[7]")
        #expect(try field { $0.endOfSequence = 1 << 20 } == "end of sequence")
        #expect(try error { $0.kinds[5] = 6 } == .unsupported(feature: "byte fallback (token 5 has type 'byte')"))
    }

    @Test func aFileThatIsNoGGUFIsNamed() throws {
        let error = #expect(throws: TokenizationError.self) { try Tokenizer(path: "/nonexistent.gguf") }
        #expect(error?.description.contains("/nonexistent.gguf") == true)
    }

    private static func load(_ metadata: MetadataBytes) throws -> Tokenizer {
        let path = FileManager.default.temporaryDirectory.path + "/skein-\(UUID().uuidString).gguf"
        try Data(metadata.bytes()).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try Tokenizer(path: path)
    }
}

/// The tokenizer's keys of a GGUF file (version 3, no tensors).
private struct MetadataBytes {
    var model: String? = "gpt2"
    var preTokenizer: String?
    var tokens: [String]
    var kinds: [Int32]
    var merges: [String]
    var endOfSequence: UInt32 = 0

    init(family: String, preTokenizer: String) throws {
        let file = try Goldens.read(family + "/tokenizer.json")
        self.preTokenizer = preTokenizer
        let vocabulary = file["model"]?["vocab"]?.objectValue ?? [:]
        let added = file["added_tokens"]?.arrayValue ?? []
        tokens = Array(repeating: "", count: vocabulary.count + added.count)
        kinds = Array(repeating: 1, count: tokens.count)
        for (text, id) in vocabulary { tokens[try #require(id.integerValue)] = text.text }
        for token in added {
            let id = try #require(token["id"]?.integerValue)
            tokens[id] = token["content"]?.textValue ?? ""
            kinds[id] = token["special"]?.booleanValue == true ? 3 : 4
        }
        merges = (file["model"]?["merges"]?.arrayValue ?? []).map { $0.textValue ?? $0.texts.joined(separator: " ") }
    }

    func bytes() -> [UInt8] {
        var entries: [[UInt8]] = []
        if let model { entries.append(Self.text("tokenizer.ggml.model") + Self.number(UInt32(8)) + Self.text(model)) }
        if let preTokenizer {
            entries.append(Self.text("tokenizer.ggml.pre") + Self.number(UInt32(8)) + Self.text(preTokenizer))
        }
        entries.append(Self.array("tokenizer.ggml.tokens", type: 8, tokens.map(Self.text)))
        entries.append(Self.array("tokenizer.ggml.token_type", type: 5, kinds.map(Self.number)))
        entries.append(Self.array("tokenizer.ggml.merges", type: 8, merges.map(Self.text)))
        for (key, id) in [("bos", 0), ("eos", endOfSequence)] {
            entries.append(Self.text("tokenizer.ggml.\(key)_token_id") + Self.number(UInt32(4)) + Self.number(id))
        }
        let head = Array("GGUF".utf8) + Self.number(UInt32(3)) + Self.number(UInt64(0))
        return head + Self.number(UInt64(entries.count)) + entries.flatMap(\.self)
    }

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<(value.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static func text(_ string: String) -> [UInt8] {
        number(UInt64(string.utf8.count)) + Array(string.utf8)
    }

    private static func array(_ key: String, type: UInt32, _ elements: [[UInt8]]) -> [UInt8] {
        text(key) + number(UInt32(9)) + number(type) + number(UInt64(elements.count)) + elements.flatMap(\.self)
    }
}

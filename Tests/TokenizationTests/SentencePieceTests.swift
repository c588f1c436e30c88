import Foundation
import Testing
import Tokenization
import Weights

/// Equal to sentencepiece (models and GGUF) and to `tokenizers` (tokenizer.json) on 1.2 MB of mixed text, on every Unicode scalar and on
/// the white space that their rules are about.
@Suite struct SentencePieceTests {
    /// A file, and whose ids it must give: the name in tokens.json.
    static let files = [
        ("unigram.model", "unigram"), ("unigram.gguf", "unigram"), ("t5.model", "t5"), ("t5.gguf", "t5"),
        ("bpe.model", "bpe"), ("bpe.gguf", "bpe"), ("unigram-converted", "unigram-converted"),
        ("t5-published", "t5-published"), ("bpe-published", "bpe-published"), ("bpe-metaspace", "bpe-metaspace"),
    ]

    private static func tokenizer(_ file: String) throws -> Tokenizer {
        try Tokenizer(path: "\(Goldens.folder)/sentencepiece/\(file)")
    }

    private static func goldens() throws -> JSONValue { try Goldens.read("sentencepiece/tokens.json") }

    @Test(arguments: files)
    func corpus(_ file: String, _ family: String) throws {
        let goldens = try Self.goldens()
        let hashes = try #require(goldens[family]?["chunks"]?.texts)
        let corpus = try Corpus()
        let spaces = try #require(goldens["spaces"]?.texts)
        let texts = (0..<Corpus.chunkCount).map { String(decoding: corpus.chunk($0), as: UTF8.self) } + spaces
        #expect(hashes.count == texts.count)
        let tokenizer = try Self.tokenizer(file)
        var count = 0
        for (index, text) in texts.enumerated() {
            let ids = tokenizer.encode(text)
            #expect(
                FNV.hash(ids: ids) == hashes[index], "text \(index) of \(file): \(text.prefix(40).debugDescription)")
            count += ids.count
        }
        #expect(goldens[family]?["ids"]?.integerValue == count)
    }

    @Test(arguments: files)
    func everyScalar(_ file: String, _ family: String) throws {
        let golden = try Self.goldens()[family]?["everyScalar"]?.textValue
        let tokenizer = try Self.tokenizer(file)
        var hash = FNV()
        let scalars = (UInt32(0)..<0x110000).compactMap(Unicode.Scalar.init)
        for start in stride(from: 0, to: scalars.count, by: 4096) {
            let text = scalars[start..<min(start + 4096, scalars.count)].map { "a\($0) \($0)" }.joined()
            hash.update(ids: tokenizer.encode(text))
        }
        #expect(hash.hex == golden)
    }

    @Test(arguments: ["unigram", "t5", "bpe"])
    func decoding(_ family: String) throws {
        let golden = try #require(try Self.goldens()[family]?["decoded"])
        let tokenizer = try Self.tokenizer("\(family).model")
        let ids = try #require(golden["ids"]?.ids)
        #expect(tokenizer.decode(ids, fromStart: true) == golden["text"]?.textValue)
        // A stream is a continuation: the same text behind its first space, whole characters only.
        var stream = StreamingDecoder(tokenizer)
        let streamed = ids.map { stream.append($0) }.joined() + stream.finish()
        #expect(streamed == tokenizer.decode(ids))
        #expect(streamed == " " + (golden["text"]?.textValue ?? ""))
    }

    @Test func charactersWithoutPiecesComeBackFromTheirBytes() throws {
        let tokenizer = try Self.tokenizer("bpe.model")
        let ids = tokenizer.encode("a\u{12345}b")
        #expect(ids.count >= 6)
        #expect(tokenizer.decode(ids, fromStart: true) == "a\u{12345}b")
        var stream = StreamingDecoder(tokenizer)
        let pieces = ids.map { stream.append($0) }
        #expect(pieces.filter { $0.unicodeScalars.contains("\u{12345}") }.count == 1)
        #expect(!pieces.joined().contains("\u{FFFD}"))
    }

    @Test func controlTokensInTextAreText() throws {
        for file in ["bpe.model", "bpe.gguf", "bpe-published"] {
            let tokenizer = try Self.tokenizer(file)
            let ids = tokenizer.encode("<s>x</s>")
            #expect(ids.allSatisfy { !tokenizer.isSpecial($0) })
            #expect(tokenizer.decode(ids, fromStart: true) == "<s>x</s>")
            let parsed = tokenizer.encode("<s>x</s>", parseSpecial: true)
            #expect(parsed.first == 1 && parsed.last == 2)
        }
    }

    @Test func userDefinedPiecesAreAlwaysText() throws {
        for file in ["bpe.model", "unigram.gguf"] {
            let tokenizer = try Self.tokenizer(file)
            let tag = try #require(tokenizer.addedToken("[[tag]]")).id
            #expect(tokenizer.encode("x[[tag]]y").filter { $0 == tag }.count == 1)
        }
    }

    @Test func llamaBeginsWithItsTokenAndT5Not() throws {
        #expect(try Self.tokenizer("bpe.model").addsBeginOfSequence)
        #expect(try Self.tokenizer("bpe.gguf").beginOfSequence == 1)
        #expect(try !Self.tokenizer("t5.model").addsBeginOfSequence)
        #expect(try Self.tokenizer("t5.gguf").endOfSequence == 1)
    }

    /// A folder as OpenMoE's: umT5's model, `spiece.model`, and the architecture that begins every text with token 0.
    @Test func openMoEBeginsWithTokenZero() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "skein-openmoe-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = URL(filePath: "\(Goldens.folder)/sentencepiece/unigram.model")
        try FileManager.default.copyItem(at: model, to: folder.appending(path: "spiece.model"))
        try Data(#"{"architectures": ["OpenMoeForCausalLM"], "model_type": "llama"}"#.utf8)
            .write(to: folder.appending(path: "config.json"))
        try Data(
            #"{"eos_token": "</s>", "added_tokens_decoder": {"1500": {"content": "<extra_id_0>", "special": true}}}"#
                .utf8
        ).write(to: folder.appending(path: "tokenizer_config.json"))
        let text = try ModelText(path: folder.path)
        #expect(text.encode(raw: "geese", parseSpecial: false).first == 0)
        #expect(text.tokenizer.endOfGeneration == [1])
        #expect(text.tokenizer.count == 1501)
        #expect(text.tokenizer.encode("<extra_id_0>", parseSpecial: true) == [1500])
        #expect(!text.tokenizer.encode("<extra_id_0>").contains(1500))
    }
}

import Foundation
import Testing
import Tokenization

/// A SentencePiece model that lies about itself, or asks for what is not supported, is refused by name and never read beyond its end.
@Suite struct SentencePieceRefusalTests {
    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(Goldens.folder)/sentencepiece/\(name)")))
    }

    /// A field of a message: a length and bytes.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }
    /// Two bytes of key, as fields above 15 have.
    private static func flag(_ number: Int, _ value: UInt8) -> [UInt8] {
        [UInt8(number << 3 & 0x7F) | 0x80, UInt8(number >> 4), value]
    }

    private static let piece = field(1, field(1, Array("a".utf8)))

    @Test func everyCutIsAnErrorOrAModel() throws {
        let whole = try Self.bytes("bpe.model")
        for length in stride(from: 0, to: whole.count, by: 97) {
            do {
                let source = try VocabularySource(sentencePieceModel: Array(whole[..<length]), file: "cut")
                _ = try? Tokenizer(source)
            } catch {
                #expect("\(error)".contains("cut"))
            }
        }
    }

    @Test func flippedBytesAreErrorsOrModels() throws {
        let whole = try Self.bytes("t5.model")
        var draw = Generator(state: 11)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<8 { bytes[draw.below(bytes.count)] = UInt8(draw.below(256)) }
            guard let source = try? VocabularySource(sentencePieceModel: bytes, file: "flipped") else { continue }
            _ = try? Tokenizer(source).encode("ﬁne e\u{301} ½ a\u{3000}b")
        }
    }

    @Test func whatIsNotReadIsNamed() throws {
        let cases: [([UInt8], String)] = [
            (Self.field(2, [3 << 3, 3]), "model_type 3"),
            (Self.field(2, Self.flag(24, 1)), "treat_whitespace_as_suffix"),
            (Self.field(3, [5 << 3, 0]), "escape_whitespaces"),
            (Self.field(5, Self.field(2, [1])), "denormalizer_spec"),
            (Self.field(1, [3 << 3, 9]), "type 9"),
            (Self.field(3, Self.field(2, [1, 2, 3])), "precompiled_charsmap"),
            ([0x0A, 0x7F, 1], "beyond the end"),
        ]
        for (bytes, told) in cases {
            let error = #expect(throws: TokenizationError.self) {
                try VocabularySource(sentencePieceModel: Self.piece + bytes, file: "m")
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains(told))
        }
        #expect(throws: TokenizationError.self) { try VocabularySource(sentencePieceModel: [], file: "m") }
    }

    @Test func vocabulariesThatContradictThemselves() throws {
        func source(_ change: (inout VocabularySource) -> Void) throws -> VocabularySource {
            var source = try VocabularySource(sentencePieceModel: Self.bytes("bpe.model"), file: "m")
            change(&source)
            return source
        }
        let cases: [(String, (inout VocabularySource) -> Void)] = [
            ("has no token for the byte", { $0.kinds = $0.kinds.map { $0 == .byte ? .normal : $0 } }),
            ("not a finite number", { $0.sentencePiece?.scores[7] = .nan }),
            ("scores for", { $0.sentencePiece?.scores.removeLast() }),
            ("outside the vocabulary", { $0.sentencePiece?.unknown = 1 << 20 }),
            ("such as <0x41>", { $0.kinds[400] = .byte }),
        ]
        for (told, change) in cases {
            let error = #expect(throws: TokenizationError.self) { try Tokenizer(source(change)) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(told))
        }
    }

    @Test func stepsOfTokenizerFilesThatAreNotReadAreNamed() throws {
        let path = "\(Goldens.folder)/sentencepiece/bpe-published/tokenizer.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (old, new, told) in [
            (#"{"type":"Prepend","prepend":"▁"}"#, #"{"type":"Lowercase"}"#, "Lowercase"),
            (#""pattern":{"String":" "},"content":"▁""#, #""pattern":{"Regex":"x+"},"content":"▁""#, "x+"),
            (#""pre_tokenizer":null"#, #""pre_tokenizer":{"type":"Punctuation"}"#, "Punctuation"),
        ] {
            let changed = text.replacing(old, with: new)
            #expect(changed != text)
            let folder = FileManager.default.temporaryDirectory.appending(path: "skein-steps-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try Data(changed.utf8).write(to: folder.appending(path: "tokenizer.json"))
            let error = #expect(throws: TokenizationError.self) { try Tokenizer(folder: folder.path) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(told))
        }
    }
}

import Foundation
import Testing
import Tokenization
import Weights

/// Tokenizer files that are written from a GGUF's vocabulary.
@Suite struct WritingTests {
    @Test func theDefaultModelsTokenizerIsTheSameAfterWriting() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "skein-tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let metadata = try GGUFMetadata(path: Goldens.modelPath())
        try VocabularySource(gguf: metadata).write(toFolder: folder.path)
        let original = try Tokenizer(gguf: metadata)
        let written = try Tokenizer(folder: folder.path)
        #expect(written.count == original.count)
        #expect(written.beginOfSequence == original.beginOfSequence)
        #expect(written.endOfGeneration == original.endOfGeneration)
        #expect(written.chatTemplate == original.chatTemplate)
        let corpus = try Corpus()
        for index in 0..<Corpus.chunkCount {
            let bytes = corpus.chunk(index)
            for parses in [false, true] {
                #expect(
                    written.encode(bytes: bytes, parseSpecial: parses)
                        == original.encode(bytes: bytes, parseSpecial: parses))
            }
        }
    }

    @Test func aTokenizerThatBeginsPromptsIsRefused() throws {
        var source = VocabularySource(
            tokens: PackedStrings(["a"]), kinds: [.normal], merges: PackedStrings(), addedTokens: [],
            preTokenizer: .gpt2)
        source.addsBeginOfSequence = true
        #expect(throws: TokenizationError.self) { try source.write(toFolder: "/nonexistent") }
    }
}

import Testing
import Tokenization
import Weights

/// Equal to the `tokenizers` library on 1.2 MB of mixed text and on every Unicode scalar, for each pre-tokenizer and for the
/// default model's vocabulary, both ways of treating special tokens.
@Suite struct ParityTests {
    static let families = ["gpt2", "smollm", "llama3", "qwen2", "default"]

    @Test func theCorpusIsTheOneOfTheGoldens() throws {
        let corpus = try Corpus()
        var hash = FNV()
        var count = 0
        for index in 0..<Corpus.chunkCount {
            let chunk = corpus.chunk(index)
            hash.update(chunk)
            count += chunk.count
        }
        let goldens = try Goldens.read("tokens.json")
        #expect(goldens["bytes"]?.integerValue == count)
        #expect(goldens["corpus"]?.textValue == hash.hex)
        #expect(count >= 1_000_000)
    }

    @Test(arguments: families, [false, true])
    func corpus(_ family: String, parseSpecial: Bool) throws {
        let golden = try #require(try Goldens.read("tokens.json")["families"]?[family])
        let hashes = try #require(golden[parseSpecial ? "parsed" : "inert"]?.texts)
        #expect(hashes.count == Corpus.chunkCount)
        let tokenizer = try Goldens.tokenizer(family)
        let corpus = try Corpus()
        var idCount = 0
        for index in 0..<Corpus.chunkCount {
            let ids = tokenizer.encode(bytes: corpus.chunk(index), parseSpecial: parseSpecial)
            #expect(FNV.hash(ids: ids) == hashes[index], "chunk \(index) of \(family)")
            idCount += ids.count
        }
        if !parseSpecial { #expect(golden["ids"]?.integerValue == idCount) }
    }

    @Test(arguments: families)
    func everyScalar(_ family: String) throws {
        let golden = try Goldens.read("tokens.json")["families"]?[family]?["everyScalar"]?.textValue
        let tokenizer = try Goldens.tokenizer(family)
        var hash = FNV()
        let scalars = (UInt32(0)..<0x110000).compactMap(Unicode.Scalar.init)
        for start in stride(from: 0, to: scalars.count, by: 4096) {
            let text = scalars[start..<min(start + 4096, scalars.count)].map { "a\($0) \($0)" }.joined()
            hash.update(ids: tokenizer.encode(text))
        }
        #expect(hash.hex == golden)
    }

    /// Where the vocabulary has all bytes, ids give back the text; `qwen2` gives back its composed form.
    @Test(arguments: ["gpt2", "smollm", "llama3"])
    func roundTrip(_ family: String) throws {
        let tokenizer = try Goldens.tokenizer(family)
        let corpus = try Corpus()
        for index in 0..<8 {
            let text = String(decoding: corpus.chunk(index), as: UTF8.self)
            #expect(Array(tokenizer.decode(tokenizer.encode(text)).utf8) == Array(text.utf8))
        }
    }

    @Test func digitsOfTheDefaultModelAreSplit() throws {
        let tokenizer = try Goldens.tokenizer("default")
        // The white space before a digit is a part of its own: two spaces, not one and " 4".
        #expect(
            tokenizer.encode("a  42").map { String(decoding: tokenizer.piece($0), as: UTF8.self) } == [
                "a", "  ", "4", "2",
            ])
    }

    @Test func manyThreadsGetTheSameIds() async throws {
        let tokenizer = try Goldens.tokenizer("default")
        let text = String(decoding: try Corpus().chunk(3), as: UTF8.self)
        let expected = tokenizer.encode(text)
        await withTaskGroup(of: [Int32].self) { group in
            for _ in 0..<16 { group.addTask { tokenizer.encode(text) } }
            for await ids in group { #expect(ids == expected) }
        }
    }
}

import Testing
import Tokenization

/// A text without a space is one word: the long path must agree with the short one and must not be quadratic.
@Suite struct LongWordTests {
    /// Merges of one letter only, so that pieces of any length are what the rule says: 8, 4, 2, 1.
    static func powersOfTwo() throws -> Tokenizer {
        let tokens = PackedStrings(["a", "b", "aa", "aaaa", "aaaaaaaa"])
        return try Tokenizer(
            VocabularySource(
                tokens: tokens, kinds: Array(repeating: .normal, count: 5),
                merges: PackedStrings(["a a", "aa aa", "aaaa aaaa"]), addedTokens: [], preTokenizer: .gpt2))
    }

    @Test(arguments: [1, 7, 8, 15, 47, 48, 49, 50, 63, 64, 100, 1000, 4097])
    func onlyTheLengthDecides(_ length: Int) throws {
        let ids = try Self.powersOfTwo().encode(String(repeating: "a", count: length))
        let rest = length % 8
        let expected =
            Array(repeating: Int32(4), count: length / 8) + (rest & 4 > 0 ? [3] : []) + (rest & 2 > 0 ? [2] : [])
            + (rest & 1 > 0 ? [0] : [])
        #expect(ids == expected)
    }

    /// A word of at most 48 symbols is scanned, a longer one goes through the heap; a letter that never merges separates them.
    @Test func bothPathsAgree() throws {
        let tokenizer = try Self.powersOfTwo()
        var draw = Generator(state: 7)
        for _ in 0..<200 {
            let pieces = (0..<8).map { _ in String(repeating: "a", count: draw.below(12)) + "b" }
            let long = tokenizer.encode(pieces.joined())
            #expect(long == pieces.flatMap { tokenizer.encode($0) })
        }
    }

    @Test func aMegabyteWithoutASpaceTakesNoTimeToSpeakOf() throws {
        let tokenizer = try Goldens.tokenizer("default")
        let clock = ContinuousClock()
        var ids: [Int32] = []
        let word = String(repeating: "ab", count: 500_000)
        // 50 ms where measured; merging by scanning would take hours.
        let elapsed = clock.measure { ids = tokenizer.encode(word) }
        #expect(tokenizer.decode(ids) == word)
        #expect(elapsed < .seconds(20))
    }
}

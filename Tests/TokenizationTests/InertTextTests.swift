import Testing
import Tokenization

/// Text never becomes a special token by itself.
@Suite struct InertTextTests {
    @Test(arguments: ["gpt2", "smollm", "llama3", "qwen2", "default"])
    func spelledOutSpecialTokensArePlainText(_ family: String) throws {
        let tokenizer = try Goldens.tokenizer(family)
        for id in Int32(0)..<Int32(tokenizer.count) where tokenizer.isSpecial(id) {
            let name = String(decoding: tokenizer.piece(id), as: UTF8.self)
            let inert = tokenizer.encode("x\(name)y")
            #expect(!inert.contains { tokenizer.isSpecial($0) }, "\(name)")
            #expect(tokenizer.decode(inert) == "x\(name)y")
            #expect(tokenizer.encode(name, parseSpecial: true) == [id])
        }
    }

    @Test func theEmptyTextHasNoTokens() throws {
        let tokenizer = try Goldens.tokenizer("default")
        #expect(tokenizer.encode("").isEmpty)
        #expect(tokenizer.encode("", parseSpecial: true).isEmpty)
        #expect(tokenizer.encode(bytes: []).isEmpty)
    }

    @Test func invalidBytesCountAsReplacementCharacters() throws {
        let tokenizer = try Goldens.tokenizer("gpt2")
        #expect(tokenizer.encode(bytes: [0x61, 0xFF, 0xE2, 0x82, 0x62]) == tokenizer.encode("a\u{FFFD}\u{FFFD}b"))
    }

    @Test func foreignIdsHaveNoText() throws {
        let tokenizer = try Goldens.tokenizer("gpt2")
        #expect(tokenizer.piece(-1).isEmpty)
        #expect(tokenizer.piece(Int32.max).isEmpty)
        #expect(!tokenizer.isSpecial(-1))
        #expect(tokenizer.decode([-1, Int32.max, Int32(tokenizer.count)]).isEmpty)
    }

    @Test func specialTokensHaveTextOnRequest() throws {
        let tokenizer = try Goldens.tokenizer("default")
        #expect(tokenizer.decode([1, 9690, 2]) == "system")
        #expect(tokenizer.decode([1, 9690, 2], skippingSpecial: false) == "<|im_start|>system<|im_end|>")
        #expect(tokenizer.endOfSequence == 2)
        #expect(tokenizer.endOfGeneration == [0, 2])
        #expect(!tokenizer.addsBeginOfSequence)
    }
}

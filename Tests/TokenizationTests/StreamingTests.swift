import Testing
import Tokenization
import Weights

@Suite struct StreamingTests {
    /// Byte by byte as Python's incremental decoder with `replace`.
    @Test func brokenAndWholeCharactersComeOutAsInPython() throws {
        let cases = try Goldens.read("streams.json").arrayValue ?? []
        #expect(cases.count > 20)
        let tokenizer = try Goldens.tokenizer("gpt2")
        for golden in cases {
            var decoder = StreamingDecoder(tokenizer)
            let bytes = golden["bytes"]?.byteValues ?? []
            let steps = bytes.map { decoder.append(bytes: [$0]) }
            let (expected, end) = (golden["steps"]?.texts ?? [], golden["end"]?.textValue ?? "")
            let finish = decoder.finish()
            #expect(steps.joined() + finish == expected.joined() + end, "\(bytes)")
            // ED A0 begins a surrogate: Python waits for its third byte (it has a mode that allows them), we know already.
            if bytes.starts(with: [0xED, 0xA0]) { continue }
            #expect(steps == expected, "\(bytes)")
            #expect(finish == end, "\(bytes)")
        }
    }

    @Test(arguments: ["gpt2", "qwen2", "default"])
    func streamedTextIsTheDecodedText(_ family: String) throws {
        let tokenizer = try Goldens.tokenizer(family)
        let ids = tokenizer.encode(bytes: try Corpus().chunk(5))
        var decoder = StreamingDecoder(tokenizer)
        var text = ""
        for id in ids {
            let piece = decoder.append(id)
            text += piece
        }
        #expect(text + decoder.finish() == tokenizer.decode(ids))
    }

    @Test func halfACharacterIsHeld() throws {
        let tokenizer = try Goldens.tokenizer("gpt2")
        let ids = tokenizer.encode("𓅬")
        #expect(ids.count > 1)
        var decoder = StreamingDecoder(tokenizer)
        let steps = ids.map { decoder.append($0) }
        #expect(steps.dropLast().joined() == "")
        #expect(steps.last == "𓅬")
        _ = decoder.append(ids[0])
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish() == "")
    }

    @Test func specialTokensAreSkippedUnlessAskedFor() throws {
        let tokenizer = try Goldens.tokenizer("default")
        var silent = StreamingDecoder(tokenizer)
        #expect(silent.append(2) == "")
        var loud = StreamingDecoder(tokenizer, skippingSpecial: false)
        #expect(loud.append(2) == "<|im_end|>")
    }
}

import Deciding
import Testing

@Suite("Deciding: the rewrite")
struct RewriteTests {
    private static let texts = [
        "", "Derive x^3 at x = 2", "what's \"l'été\" in German?", "it's 'quoted' \\ and\ttabbed\nlines", "日本語 🪿 ¿qué?",
    ]

    @Test(arguments: texts) func anyTextSurvivesItsBytes(text: String) {
        let bytes = RewriteText.encode(text)
        var grammar = RewriteGrammar(textBytesMax: bytes.count - 4)
        for byte in bytes {
            let (wasComplete, taken) = (grammar.isComplete, grammar.take(byte))
            #expect(taken && !wasComplete)
        }
        #expect(grammar.isComplete)
        #expect(RewriteText.decode(bytes) == text)
    }

    @Test(arguments: [
        "", "x", "(\"a", "(\"a\"", "(\"a\")x", "('a')", "(\"\\q\")", "(\"a\nb\")", "(\"a\"b\")",
    ])
    func whatIsMalformedIsNotDecoded(text: String) {
        #expect(RewriteText.decode(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        [0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
    ])
    func bytesThatAreNotUTF8AreNotTaken(bytes: [UInt8]) {
        #expect(RewriteText.decode(Array("(\"".utf8) + bytes + Array("\")".utf8)) == nil)
    }

    /// Whatever a model would like to say, what the mask lets through ends well formed and within the bound.
    @Test func whateverIsDecodedUnderTheMaskIsWellFormed() {
        let pieces = ["(\"", "\")", "')", "don't", "\\\"", "\"", "été", "\\", " n", "🪿", "\")\")"].map {
            Array($0.utf8)
        }
        let vocabulary = (0...255).map { [UInt8($0)] } + pieces + [[]]
        var seed: UInt64 = 11
        for textBytesMax in [0, 1, 2, 3, 5, 40] {
            for _ in 0..<60 {
                var grammar = RewriteGrammar(textBytesMax: textBytesMax)
                var bytes: [UInt8] = []
                while !grammar.isComplete {
                    let mask = grammar.mask(vocabulary)
                    let allowed = mask.indices.filter { mask[$0] }
                    guard !allowed.isEmpty, bytes.count <= textBytesMax + 4 else {
                        Issue.record("stuck after \(bytes)")
                        return
                    }
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let token = vocabulary[allowed[Int(seed >> 33) % allowed.count]]
                    let taken = token.allSatisfy { grammar.take($0) }
                    #expect(taken)
                    bytes += token
                }
                #expect(bytes.count <= textBytesMax + 4)
                #expect(RewriteText.decode(bytes) != nil)
                #expect(!grammar.mask(vocabulary).contains(true))
            }
        }
    }

    @Test(arguments: [
        ("What is 12.5 % of 2,000?", "Compute 12.5 % of 2,000.", []),
        ("What is 12.5 % of 2,000?", "Compute 12 % of 2000.", ["12.5", "2,000"]),
        ("Add 2 to 20", "Add to 20", ["2"]),
        ("how does os.path.join work", "Explain os.path.join.", []),
        ("how does os.path.join work", "Explain joining paths", ["os.path.join"]),
        ("what does grep -v do", "Explain the option of grep", ["-v"]),
        ("why does fork() fail", "Why might a process not start?", ["fork"]),
        ("withUnsafeBytes in Swift?", "Explain unsafe bytes in Swift", ["withUnsafeBytes"]),
        ("my_list is empty", "The list is empty", ["my_list"]),
        ("Translate \"good morning\" for me", "Translate “good morning” into French", []),
        ("Translate «bonne nuit»", "Translate good night", ["bonne nuit"]),
        ("what is 'don't panic' from", "Where is don't panic from?", []),
        ("I don't know what it's for", "Its purpose is unknown", []),
        ("Hello, how are you?", "Greet", []),
    ])
    func numbersQuotationsAndIdentifiersMustStay(original: String, rewrite: String, lost: [String]) {
        #expect(Faithfulness.lost(original: original, rewrite: rewrite) == lost)
        #expect(Faithfulness.chosen(original: original, rewrite: rewrite) == (lost.isEmpty ? rewrite : original))
    }

    @Test func aBlankRewriteIsNone() {
        #expect(Faithfulness.chosen(original: "Hello", rewrite: " \n") == "Hello")
    }
}

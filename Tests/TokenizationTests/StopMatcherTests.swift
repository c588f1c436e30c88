import Testing
import Tokenization

@Suite struct StopMatcherTests {
    /// What comes out for a text fed in pieces: all of it, and the stop string met.
    private static func run(_ stops: [String], _ pieces: [String]) throws -> (text: String, stop: Int?) {
        var matcher = try StopMatcher(stops)
        var text = ""
        for piece in pieces { text += matcher.append(piece) }
        return (text + matcher.finish(), matcher.stop)
    }

    @Test func aStopStringAcrossPiecesEndsTheText() throws {
        let (text, stop) = try Self.run(["###", "\nUser:"], ["Hello", "\n", "Us", "er", ": next"])
        #expect(text == "Hello")
        #expect(stop == 1)
    }

    @Test func whatMayBecomeAStopStringIsHeldBack() throws {
        var matcher = try StopMatcher(["STOP"])
        #expect(matcher.append("go ST") == "go ")
        #expect(matcher.append("AY") == "STAY")
        #expect(matcher.append(" S") == " ")
        #expect(matcher.stop == nil)
        #expect(matcher.finish() == "S")
    }

    @Test func nothingComesAfterTheStop() throws {
        var matcher = try StopMatcher(["."])
        #expect(matcher.append("a.b") == "a")
        #expect(matcher.append("c") == "")
        #expect(matcher.finish() == "")
    }

    @Test func theFirstCompletedWinsAndOfEqualsTheLongest() throws {
        #expect(try Self.run(["abc", "b"], ["xabc"]) == (text: "xa", stop: 1))
        #expect(try Self.run(["b", "ab"], ["xab"]) == (text: "x", stop: 1))
        #expect(try Self.run(["aab"], ["aaaab"]) == (text: "aa", stop: 0))
    }

    /// Against a plain search over the whole text, for every way of cutting it.
    @Test func cuttingMakesNoDifference() throws {
        var draw = Generator(state: 11)
        for _ in 0..<500 {
            let text = String((0..<40).map { _ in Array("abé🪿")[draw.below(4)] })
            let stops = (0..<3).map { _ in String((0..<(1 + draw.below(4))).map { _ in Array("abé🪿")[draw.below(4)] }) }
            var pieces: [String] = []
            var rest = Substring(text)
            while !rest.isEmpty {
                let count = 1 + draw.below(5)
                pieces.append(String(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let (got, stop) = try Self.run(stops, pieces)
            #expect(got == Self.search(text, stops))
            #expect((stop == nil) == (got == text))
        }
    }

    private static func search(_ text: String, _ stops: [String]) -> String {
        let characters = Array(text)
        for end in 1...characters.count {
            let completed = stops.filter { String(characters[..<end]).hasSuffix($0) }.max {
                $0.utf8.count < $1.utf8.count
            }
            if let completed { return String(characters[..<(end - completed.count)]) }
        }
        return text
    }

    @Test func withoutStopStringsTextPasses() throws {
        var matcher = try StopMatcher([])
        #expect(matcher.append("anything") == "anything")
        #expect(matcher.finish() == "")
    }

    @Test func boundsAreEnforced() {
        #expect(throws: TokenizationError.invalidStopString(index: 1, reason: "is empty")) {
            try StopMatcher(["a", ""])
        }
        #expect(throws: TokenizationError.invalidStopString(index: 16, reason: "at most 16 are allowed")) {
            try StopMatcher(Array(repeating: "a", count: 17))
        }
        #expect(throws: TokenizationError.self) { try StopMatcher([String(repeating: "é", count: 129)]) }
        #expect(throws: Never.self) { try StopMatcher([String(repeating: "é", count: 128)]) }
    }
}

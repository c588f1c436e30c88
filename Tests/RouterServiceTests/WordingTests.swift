import Messaging
import RouterService
import Routing
import Testing
import Topology

/// What a node is sent of a query and of a master's words for it.
struct WordingTests {
    private static let chat = Prompt.chat([
        ChatMessage(content: "one"), ChatMessage(role: .assistant, content: "two"), ChatMessage(content: "add 3 and 4"),
    ])

    @Test func theLastWordsOfTheUserAreTheQuery() {
        #expect(Wording.query(of: Self.chat) == "add 3 and 4")
        #expect(Wording.query(of: .text("raw")) == "raw")
        #expect(Wording.query(of: .tokens([1])) == nil)
    }

    @Test func aFaithfulRewriteTakesTheirPlace() {
        let note = Wording.note(Array("(\"sum of 3 and 4, please\")".utf8), original: "add 3 and 4")
        #expect(!note.originalKept && note.lost.isEmpty)
        let rewritten = Wording.prompt(Self.chat, note, wants: .rewritten)
        #expect(Wording.query(of: rewritten) == "sum of 3 and 4, please")
        #expect(Wording.prompt(Self.chat, note, wants: .original) == Self.chat)
        let both = Wording.prompt(Self.chat, note, wants: .both)
        #expect(Wording.query(of: both) == "add 3 and 4\n\nsum of 3 and 4, please")
    }

    @Test func answersOfSeveralNodes() {
        #expect(Assembling.text(["a", "b"], .concatenate) == "a\n\nb")
        #expect(Assembling.text(["Lyon", " Paris\n", "paris"], .vote) == " Paris\n")
        #expect(Assembling.text(["x", "y"], .vote) == "x")
        #expect(Assembling.text([], .vote).isEmpty)
    }

    @Test func oneThatLosesANumberOrIsNoneIsNotUsed() {
        let lost = Wording.note(Array("(\"add 3\")".utf8), original: "add 3 and 4")
        #expect(lost.originalKept && lost.lost == ["4"])
        #expect(Wording.prompt(Self.chat, lost, wants: .rewritten) == Self.chat)
        #expect(Wording.note(Array("(\"open".utf8), original: "x").originalKept)
    }
}

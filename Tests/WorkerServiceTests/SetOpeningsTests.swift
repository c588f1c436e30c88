import Messaging
import Testing
import WorkerService

@Suite("Trunk: opening sets on a worker whose experts change") struct SetOpeningsTests {
    private func experts(_ ids: [UInt32]) -> [SetExpert] {
        ids.map { SetExpert(id: $0, expert: "expert\($0)", sha256: "sha\($0)") }
    }

    private func question(_ experts: [SetExpert], nonce: UInt8) -> OpenSet {
        OpenSet(set: 1, nonce: [nonce], worker: "w", incarnation: 7, experts: experts)
    }

    private func answer(nonce: UInt8) -> SetOpened { SetOpened(set: 1, nonce: [nonce], worker: "w", incarnation: 7) }

    /// Sends the question that is due.
    private func ask(
        _ openings: inout SetOpenings, nonce: UInt8, at now: UInt64 = 0, expecting ids: [UInt32],
        _ location: SourceLocation = #_sourceLocation
    ) {
        let due = openings.due(nowMicroseconds: now)
        #expect(due.flatMap { $0.experts.map(\.id) } == ids, sourceLocation: location)
        for (_, experts) in due { openings.asked(question(experts, nonce: nonce), nowMicroseconds: now) }
    }

    private func take(
        _ openings: inout SetOpenings, nonce: UInt8, isTaken expected: Bool = true,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let isTaken = openings.take(answer(nonce: nonce))
        #expect(isTaken == expected, sourceLocation: location)
    }

    @Test("a word that comes between a question and its refusal is asked for after the refusal")
    func wordBeforeRefusal() {
        var openings = SetOpenings()
        openings.hear(experts([0, 1, 2]), of: 1) { _ in false }
        ask(&openings, nonce: 1, expecting: [0, 1, 2])
        // The worker has let go of 2 before it read the question, and says so.
        openings.hear(experts([0, 1]), of: 1) { _ in false }
        #expect(openings.due(nowMicroseconds: 0).isEmpty, "one question at a time")
        let isAskedAgain = openings.refused(1)
        #expect(isAskedAgain)
        #expect(openings.isSettling)
        ask(&openings, nonce: 2, expecting: [0, 1])
        take(&openings, nonce: 1, isTaken: false)
        take(&openings, nonce: 2)
        #expect(openings.serves(0, of: 1) && openings.serves(1, of: 1) && !openings.serves(2, of: 1))
        #expect(!openings.isSettling)
    }

    @Test("an expert that went and came back while the question was out is asked for after the refusal")
    func thereAndBack() {
        var openings = SetOpenings()
        openings.hear(experts([0, 1]), of: 1) { _ in false }
        ask(&openings, nonce: 1, expecting: [0, 1])
        for word in [[0], [0, 1]] as [[UInt32]] { openings.hear(experts(word), of: 1) { _ in false } }
        let isAskedAgain = openings.refused(1)
        #expect(isAskedAgain)
        ask(&openings, nonce: 2, expecting: [0, 1])
        take(&openings, nonce: 2)
        #expect(openings.serves(1, of: 1))
    }

    @Test("what was refused is not asked for again before the router says something")
    func refusedOnce() {
        var openings = SetOpenings()
        openings.hear(experts([0]), of: 1) { _ in false }
        ask(&openings, nonce: 1, expecting: [0])
        let isAskedAgain = openings.refused(1)
        #expect(!isAskedAgain)
        #expect(openings.due(nowMicroseconds: 60_000_000).isEmpty && !openings.isSettling)
        // The same word again, of which the ones between were not heard.
        openings.hear(experts([0]), of: 1) { _ in false }
        ask(&openings, nonce: 2, expecting: [0])
        take(&openings, nonce: 2)
        #expect(openings.serves(0, of: 1))
    }

    @Test("what is open stays so while more is asked for, and when that is refused")
    func staysOpen() {
        var openings = SetOpenings()
        openings.hear(experts([0, 1]), of: 1) { _ in false }
        ask(&openings, nonce: 1, expecting: [0, 1])
        take(&openings, nonce: 1)
        openings.hear(experts([0, 1, 2]), of: 1) { _ in false }
        ask(&openings, nonce: 2, expecting: [0, 1, 2])
        #expect(openings.serves(1, of: 1) && !openings.serves(2, of: 1))
        let isAskedAgain = openings.refused(1)
        #expect(!isAskedAgain)
        #expect(openings.serves(0, of: 1) && openings.serves(1, of: 1))
    }

    @Test("what a worker has let go stays open until others serve it; behind the question it is not asked for any more")
    func letGo() {
        var openings = SetOpenings()
        openings.hear(experts([0, 1]), of: 1) { _ in false }
        ask(&openings, nonce: 1, expecting: [0, 1])
        take(&openings, nonce: 1)
        openings.hear(experts([0]), of: 1) { $0 != [1] }
        #expect(openings.due(nowMicroseconds: 0).isEmpty && openings.serves(1, of: 1))
        openings.hear(experts([0]), of: 1) { $0 == [1] }
        ask(&openings, nonce: 2, expecting: [0])
        #expect(openings.serves(0, of: 1) && !openings.serves(1, of: 1))
    }

    @Test("a question without an answer is asked again, and everything on a new connection")
    func unanswered() {
        var openings = SetOpenings()
        openings.hear(experts([0]), of: 1) { _ in false }
        ask(&openings, nonce: 1, at: 5, expecting: [0])
        ask(&openings, nonce: 2, at: 5 + SetOpenings.answerMicroseconds - 1, expecting: [])
        ask(&openings, nonce: 3, at: 5 + SetOpenings.answerMicroseconds, expecting: [0])
        take(&openings, nonce: 3)
        #expect(openings.serves(0, of: 1))
        openings.forgetAnswers()
        #expect(!openings.serves(0, of: 1))
        ask(&openings, nonce: 4, expecting: [0])
        openings.keep([])
        #expect(!openings.isSettling && openings.due(nowMicroseconds: 60_000_000).isEmpty)
    }
}

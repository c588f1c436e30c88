import Messaging
import Testing
import WorkerService

@Suite("Worker: reports of tokens")
struct TokenReportsTests {
    private func token(_ assignment: UInt64, _ position: UInt32) -> Generated {
        Generated(assignment: assignment, position: position, tokens: [Int32(100 * assignment) + Int32(position)])
    }

    @Test func anAttemptsFirstTokenGoesOutAtOnceAndTheRestTogether() {
        var reports = TokenReports()
        reports.add(token(1, 0), isFirst: true)
        #expect(reports.due(nowMicroseconds: 1_000_000) == [token(1, 0)])
        for position in 1...3 {
            reports.add(token(1, UInt32(position)), isFirst: false)
            #expect(reports.due(nowMicroseconds: 1_000_000 + UInt64(position) * 4000).isEmpty)
        }
        let gathered = Generated(assignment: 1, position: 1, tokens: [101, 102, 103])
        #expect(reports.due(nowMicroseconds: 1_020_000) == [gathered])
        #expect(reports.due(nowMicroseconds: 9_000_000).isEmpty)
    }

    /// A token slower than the gathering time waits for nothing.
    @Test func aSlowModelsTokensGoOutOneByOne() {
        var reports = TokenReports()
        for position in 0..<4 {
            reports.add(token(1, UInt32(position)), isFirst: position == 0)
            #expect(reports.due(nowMicroseconds: 50_000 + UInt64(position) * 20_000) == [token(1, UInt32(position))])
        }
    }

    @Test func eachAssignmentHasItsOwnMessageAndANewOneTakesTheOthersAlong() {
        var reports = TokenReports()
        reports.add(token(2, 0), isFirst: true)
        _ = reports.due(nowMicroseconds: 1_000_000)
        reports.add(token(2, 1), isFirst: false)
        reports.add(token(1, 7), isFirst: true)
        #expect(reports.due(nowMicroseconds: 1_000_001) == [token(1, 7), token(2, 1)])
    }

    @Test func nothingIsLeftBehindByAnEnding() {
        var reports = TokenReports()
        reports.add(token(1, 0), isFirst: true)
        _ = reports.due(nowMicroseconds: 1_000_000)
        reports.add(token(1, 1), isFirst: false)
        reports.add(token(2, 1), isFirst: false)
        #expect(reports.take(1) == token(1, 1))
        #expect(reports.take(1) == nil)
        #expect(reports.due(nowMicroseconds: 2_000_000) == [token(2, 1)])
    }

    @Test func aMessageIsBoundedAndKeepsEachTokensAlternatives() {
        var reports = TokenReports()
        _ = reports.due(nowMicroseconds: 0)
        var last: [Generated] = []
        for position in 0..<TokenReports.tokensMax {
            var one = token(1, UInt32(position))
            one.logprobs = [TokenLogprobs(logprob: -Float(position), top: [])]
            reports.add(one, isFirst: false)
            last = reports.due(nowMicroseconds: 1)
            #expect(last.isEmpty == (position + 1 < TokenReports.tokensMax))
        }
        #expect(last.first?.tokens.count == TokenReports.tokensMax)
        #expect(last.first?.logprobs.map(\.logprob) == (0..<TokenReports.tokensMax).map { -Float($0) })
    }
}

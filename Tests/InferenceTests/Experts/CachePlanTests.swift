import Inference
import Testing

@Suite("Which experts should be beside the trunk")
struct CachePlanTests {
    private func expert(_ hash: String, _ heat: Double, bytes: Int = 10, cached: Bool = false) -> CachePlan.Candidate {
        CachePlan.Candidate(hash: hash, heat: heat, bytes: bytes, isCached: cached)
    }

    @Test func theHottestComesFirst() {
        let plan = CachePlan([expert("a", 1), expert("b", 3), expert("c", 2)], bytesMax: 20)
        #expect(plan.pull == "b" && plan.evictions.isEmpty)
    }

    @Test func heatCountsPerByte() {
        let plan = CachePlan([expert("large", 5, bytes: 20), expert("small", 3, bytes: 10)], bytesMax: 20)
        #expect(plan.pull == "small")
    }

    @Test func whatNobodyChoseStaysAway() {
        #expect(CachePlan([expert("a", 0), expert("b", 0, cached: true)], bytesMax: 100).pull == nil)
    }

    @Test func aColdOneGoesWhenItsRoomIsNeededAndNotBefore() {
        let here = [expert("a", 0, cached: true), expert("b", 4, cached: true)]
        let fits = CachePlan(here + [expert("c", 2)], bytesMax: 30)
        #expect(fits.pull == "c" && fits.evictions.isEmpty)
        let full = CachePlan(here + [expert("c", 2)], bytesMax: 20)
        #expect(full.pull == "c" && full.evictions == ["a"])
    }

    @Test func equalsDoNotTakeTurns() {
        let here = [expert("a", 10, cached: true)]
        #expect(CachePlan(here + [expert("b", 12)], bytesMax: 10).pull == nil)
        #expect(CachePlan(here + [expert("b", 13)], bytesMax: 10) == CachePlan([expert("b", 13)] + here, bytesMax: 10))
        #expect(CachePlan(here + [expert("b", 13)], bytesMax: 10).evictions == ["a"])
    }

    @Test func anExpertLargerThanTheCacheNeverComes() {
        let plan = CachePlan([expert("a", 9, bytes: 40), expert("b", 1)], bytesMax: 30)
        #expect(plan.pull == "b" && plan.evictions.isEmpty)
    }

    /// Whatever the candidates are, what is held and what comes fit, and nothing is given up for nothing.
    @Test func theBoundHoldsForRandomCandidates() {
        var random = SplitMix(state: 7)
        for _ in 0..<2000 {
            var room = 100
            let candidates = (0..<12).map { index in
                let bytes = 1 + Int(random.next() % 40), cached = random.next() % 2 == 0 && bytes <= room
                if cached { room -= bytes }
                return expert("\(index)", Double(random.next() % 5), bytes: bytes, cached: cached)
            }
            let plan = CachePlan(candidates, bytesMax: 100)
            let gone = Set(plan.evictions)
            let after = candidates.filter { ($0.isCached && !gone.contains($0.hash)) || $0.hash == plan.pull }
            #expect(after.reduce(0) { $0 + $1.bytes } <= 100)
            #expect(plan.pull != nil || gone.isEmpty)
            #expect(candidates.allSatisfy { !gone.contains($0.hash) || $0.isCached })
        }
    }
}

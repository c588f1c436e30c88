import Statistics
import Testing

@Suite("What tokens chose, summed by site") struct RoutingSumsTests {
    private static func site(_ kept: [Double], null: Double = 0, heaviest: [UInt64]? = nil) -> SiteSums {
        var sums = SiteSums()
        sums.rows = 10
        sums.fullRows = 5
        sums.entropy = 2.5
        sums.keptNull = null
        sums.kept = kept
        sums.full = kept
        sums.chosen = kept.map { _ in 1 }
        sums.heaviest = heaviest ?? kept.map { _ in 0 }
        sums.entropies = [1, 4]
        return sums
    }

    private static func sums() -> RoutingSums {
        var sums = RoutingSums(model: "m", setSHA256: "abcdef0123456789", experts: ["a", "b", "c"])
        sums.add(site([6, 3, 1], heaviest: [7, 2, 1]), at: "model.layers.0.q_proj")
        sums.add(site([0, 2, 4], null: 4, heaviest: [0, 3, 3]), at: "model.layers.10.q_proj")
        return sums
    }

    @Test("equal sites add up, and shares are of the rows")
    func adding() {
        var sums = Self.sums()
        sums.add(Self.site([2, 2, 2], null: 4), at: "model.layers.0.q_proj")
        #expect(sums.sites.count == 2)
        let first = sums.sites[0].sums
        #expect(first.rows == 20 && first.kept == [8, 5, 3] && first.entropies == [2, 8])
        #expect(first.keptShare(0) == 0.4 && first.nullShare == 0.2 && first.meanEntropy == 0.5)
        #expect(first.agreement(0) == 0.35)
        #expect(sums.total.rows == 30 && sums.total.kept == [8, 7, 7])
    }

    /// Four tokens, two experts each of three: loads 4, 3, 1.
    private static func mixture() -> SiteSums {
        var sums = SiteSums()
        (sums.rows, sums.fullRows) = (4, 4)
        sums.chosen = [4, 3, 1]
        sums.heaviest = [3, 1, 0]
        sums.kept = [2, 1.5, 0.5]
        sums.full = [2, 1.5, 0.5]
        var mixture = MixtureSums()
        mixture.together = [3, 1, 0]
        mixture.squaredLogSums = 10
        mixture.capacityChoices = 8
        mixture.droppedByRank = [0, 2]
        mixture.droppedByPosition = [0, 2]
        mixture.costs = [100, 50, 0]
        sums.mixture = mixture
        return sums
    }

    @Test("how even a mixture layer was, by hand")
    func mixtures() {
        let sums = Self.mixture()
        #expect(sums.maxOverMean == 1.5)
        func isNear(_ value: Double?, _ expected: Double) -> Bool { value.map { abs($0 - expected) < 1e-8 } ?? false }
        // √(((4 - 8/3)² + (3 - 8/3)² + (1 - 8/3)²) / 3) / (8/3)
        #expect(isNear(sums.coefficientOfVariation, 0.467707173))
        // -(1/2 ln 1/2 + 3/8 ln 3/8 + 1/8 ln 1/8) / ln 3
        #expect(isNear(sums.loadEntropy, 0.886859508))
        // 3 (1 · 0.5 + 0.75 · 0.375 + 0.25 · 0.125)
        #expect(isNear(sums.balanceLoss, 2.4375))
        #expect(sums.routerZLoss == 2.5)
        #expect(sums.costPerToken == 137.5)
        #expect(sums.mixture?.droppedShare == 0.25)
        let pairs = sums.pairs(most: 5)
        #expect(pairs.map { [$0.first, $0.second] } == [[0, 1], [0, 2]])
        #expect(pairs.map(\.lift) == [1, 1])
        var both = RoutingSums(model: "m", setSHA256: "", experts: ["0", "1", "2"])
        both.add(sums, at: "model.layers.0.mlp")
        both.add(sums, at: "model.layers.0.mlp")
        #expect(both.sites[0].sums.mixture?.together == [6, 2, 0])
        #expect(both.sites[0].sums.costPerToken == 137.5)
        let table = RoutingTable.render(both, pattern: "*", named: nil)
        #expect(table.contains("max/mean") && table.contains("0+1 6 (x1.00)") && table.contains("25.00 %"))
    }

    @Test("the fewest experts that carry a share, the heaviest first")
    func carrying() {
        #expect(Self.site([6, 3, 1]).carrying(0.9) == [0, 1])
        #expect(Self.site([6, 3, 1]).carrying(0.91) == [0, 1, 2])
        #expect(Self.site([2, 2, 2]).carrying(0.3) == [0])
        #expect(Self.site([0, 0, 0]).carrying(0.9).isEmpty)
    }

    @Test(
        "patterns",
        arguments: [
            ("*", true), ("*q_proj", true), ("model.layers.1?.q*", true), ("*layers*10*", true), ("q_proj", false),
            ("*.1.*", false), ("", false), ("model.layers.10.q_proj?", false), ("model.layers.10.q_proj*", true),
        ])
    func patterns(pattern: String, matches: Bool) {
        #expect(RoutingSums.matches("model.layers.10.q_proj", pattern[...]) == matches)
    }

    @Test("the table says which distribution it shows, and holds a line per site")
    func table() {
        let text = RoutingTable.render(Self.sums(), pattern: "*", named: "a")
        let lines = text.split(separator: "\n")
        #expect(lines.count == 5 && lines[0].contains("kept after top-k") && lines[0].contains("full softmax"))
        #expect(lines[1].contains("agrees with a"))
        #expect(lines[2].contains("a 60 %, b 30 %, c 10 %") && lines[2].contains("70 %"))
        #expect(lines[3].contains("40 %") && lines[3].contains("c 40 %, b 20 %"))
        #expect(RoutingTable.render(Self.sums(), pattern: "nothing", named: nil).contains("all 0"))
    }
}

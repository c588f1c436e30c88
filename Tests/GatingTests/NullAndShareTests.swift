import Gating
import Testing

@Suite("Gating: the null expert, the common expert, masks, losses")
struct NullAndShareTests {
    static let scores: [Float] = [1, 3, 2, 0]

    @Test(arguments: NullRule.allCases)
    func tauOfMinusInfinityIsThePaper(rule: NullRule) throws {
        let paper = try choice(RouteOptions(), Self.scores)
        #expect(try choice(RouteOptions(null: rule), Self.scores, nullScore: -.infinity) == paper)
        #expect(try choice(RouteOptions(null: .off), Self.scores, nullScore: 99) == paper)
    }

    @Test func theNullEndsTheList() throws {
        let on = RouteOptions(null: .on)
        // Below the second: both places are taken.
        #expect(try choice(on, Self.scores, nullScore: 1.5) == choice(RouteOptions(), Self.scores))
        // Between first and second.
        let half = try choice(on, Self.scores, nullScore: 2.5)
        let parts = softmax([3, 2.5])
        #expect(
            half.experts == [1] && isNear(half.weights[0], Float(parts[0])) && isNear(half.nullWeight, Float(parts[1])))
        // Above all.
        let none = try choice(on, Self.scores, nullScore: 3.5)
        #expect(none.isTrunkOnly && none == Choice())
        // A tie is the expert's.
        #expect(try choice(on, Self.scores, nullScore: 3).experts == [1])
    }

    @Test func theNullJoins() throws {
        let joins = RouteOptions(null: .joins)
        #expect(try choice(joins, Self.scores, nullScore: 2) == choice(RouteOptions(), Self.scores))
        let first = try choice(joins, Self.scores, nullScore: 4)
        let parts = softmax([3, 4])
        #expect(
            first.experts == [1] && isNear(first.weights[0], Float(parts[0]))
                && isNear(first.nullWeight, Float(parts[1])))
        let all = try choice(RouteOptions(topK: 1, null: .joins), Self.scores, nullScore: 4)
        #expect(all == Choice())
    }

    @Test func masksAndBiases() throws {
        func choice(_ options: RouteOptions) throws -> Choice {
            let plan = try RoutePlan(options, experts: ["a", "b", "c", "d"])
            return try plan.choice(ofScores: plan.scores(Self.scores))
        }
        #expect(try choice(RouteOptions(allowed: ["a", "c", "d"])).experts == [0, 2])
        let alone = try choice(RouteOptions(allowed: ["d"]))
        #expect(alone == Choice(experts: [3], weights: [1]))
        #expect(try choice(RouteOptions(biases: ["d": 10])).experts == [1, 3])
        #expect(try choice(RouteOptions(biases: ["b": -5])).experts == [0, 2])
    }

    @Test(arguments: [NullRule.off, .on, .joins])
    func aFixedShareSplitsWhatTheNullLeaves(rule: NullRule) throws {
        let plain = try choice(RouteOptions(null: rule), Self.scores, nullScore: 2.5)
        let shared = try choice(RouteOptions(null: rule, common: .fixed(0.25)), Self.scores, nullScore: 2.5)
        #expect(shared.experts == plain.experts && shared.nullWeight == plain.nullWeight)
        #expect(zip(shared.weights, plain.weights).allSatisfy { isNear($0, 0.75 * $1) })
        #expect(isNear(shared.commonWeight, 0.25 * (1 - plain.nullWeight)) && isNear(shared.total, 1))
    }

    @Test func theDroppedMassIsTheShare() throws {
        let full = softmax(Self.scores, temperature: 2)
        let options = RouteOptions(temperature: 2, common: .dropped(factor: 0.5))
        let shared = try choice(options, Self.scores)
        #expect(isNear(shared.commonWeight, Float(0.5 * (full[0] + full[3]))) && isNear(shared.total, 1))
        #expect(try choice(RouteOptions(topK: 4, common: .dropped(factor: 1)), Self.scores).commonWeight == 0)
    }

    @Test func entropyIsTheShare() throws {
        let flat = try choice(RouteOptions(common: .entropy(most: 0.5)), [2, 2, 2, 2])
        #expect(isNear(flat.commonWeight, 0.5) && isNear(flat.total, 1))
        let peaked = try choice(RouteOptions(common: .entropy(most: 0.5)), [60, 0, 0, 0])
        #expect(peaked.commonWeight < 1e-6)
        #expect(try choice(RouteOptions(common: .entropy(most: 1)), [3]).commonWeight == 0)
    }

    @Test func theCommonExpertStandsInForTheNull() throws {
        let plain = try choice(RouteOptions(null: .on), Self.scores, nullScore: 2.5)
        let shared = try choice(RouteOptions(null: .on, common: .inPlaceOfNull), Self.scores, nullScore: 2.5)
        #expect(shared.commonWeight == plain.nullWeight && shared.nullWeight == 0 && shared.weights == plain.weights)
        // Where nothing is chosen the common expert has all of it.
        let none = try choice(RouteOptions(null: .on, common: .inPlaceOfNull), Self.scores, nullScore: 9)
        #expect(none.experts.isEmpty && none.commonWeight == 1 && none.nullWeight == 0)
    }

    @Test func lossesFollowThePolicy() throws {
        let whole = Choice(experts: [1, 4, 6], weights: [0.5, 0.25, 0.125], nullWeight: 0.125)
        var choice = whole
        #expect(throws: MissingExpertError(expert: 4)) { try choice.remove(where: { $0 == 4 }, .fail) }
        choice = whole
        try choice.remove(where: { $0 == 9 }, .fail)
        #expect(choice == whole)
        try choice.remove(where: { $0 == 4 }, .trunkOnly)
        #expect(choice == Choice(experts: [1, 6], weights: [0.5, 0.125], nullWeight: 0.375))
        choice = whole
        try choice.remove(where: { $0 == 1 }, .renormalise)
        #expect(choice == Choice(experts: [4, 6], weights: [0.5, 0.25], nullWeight: 0.25))
        choice = Choice(experts: [0], weights: [1])
        try choice.remove(where: { _ in true }, .renormalise)
        #expect(choice == Choice())
    }

    @Test func retrievalTakesTheNearestExample() throws {
        // Centred on (1, 1): expert 0 lies right and left, expert 1 above, expert 2 below.
        let index = try RetrievalIndex(embeddings: [[3, 1, -1, 1], [1, 4], [1, -2]], width: 2)
        #expect(index.centre == [1, 1])
        #expect(try index.nearest(to: [9, 2])?.expert == 0)
        #expect(try index.nearest(to: [-4, 1]) == RetrievalIndex.Match(expert: 0, likeness: 1))
        #expect(try index.nearest(to: [1.5, 3])?.expert == 1)
        #expect(try index.nearest(to: [1.5, 3]) { $0 != 1 }?.expert == 0)
        #expect(try index.nearest(to: [1, 1]) == RetrievalIndex.Match(expert: 0, likeness: 0))
        #expect(throws: RetrievalError.width(expert: nil, count: 1)) { try index.nearest(to: [1]) }
        #expect(throws: RetrievalError.notFinite(expert: nil)) { try index.nearest(to: [1, .nan]) }
        #expect(throws: RetrievalError.width(expert: 1, count: 3)) {
            try RetrievalIndex(embeddings: [[1, 2], [1, 2, 3]], width: 2)
        }
    }
}

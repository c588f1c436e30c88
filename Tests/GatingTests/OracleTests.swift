import Gating
import Testing

/// What must hold whatever the numbers are.
@Suite("Gating: oracles")
struct OracleTests {
    static let scores: [Float] = [0.3, -1.2, 2.5, 0.7, 2.4, -0.1, 0, 1.1]

    @Test func oneExpertHasWeightOne() throws {
        for score: Float in [0, -30, 12] {
            #expect(try choice(RouteOptions(), [score]) == Choice(experts: [0], weights: [1]))
        }
    }

    @Test func kOfAllIsTheFullSoftmax() throws {
        for k in [8, 9, 500] {
            let choice = try choice(RouteOptions(topK: k), Self.scores)
            #expect(choice.experts == Array(0..<8))
            for (weight, expected) in zip(choice.weights, softmax(Self.scores)) {
                #expect(abs(Double(weight) - expected) < 2e-7)
            }
        }
    }

    @Test func equalGatesShareEqually() throws {
        #expect(try choice(RouteOptions(), [4.25, 4.25]) == Choice(experts: [0, 1], weights: [0.5, 0.5]))
    }

    @Test func tiesGoToTheLowerID() throws {
        #expect(try choice(RouteOptions(), [1, 1, 1, 1]).experts == [0, 1])
        #expect(try choice(RouteOptions(), [0, 1, 2, 1]).experts == [1, 2])
        #expect(try choice(RouteOptions(), [1, 1, 2, 2]).experts == [2, 3])
        #expect(try choice(RouteOptions(topK: 1), [0, 0]).experts == [0])
        #expect(try choice(RouteOptions(), [-0.0, 0, 0]).experts == [0, 1])
    }

    /// Against sorting, for many sizes and ks, with many ties.
    @Test func topKIsASortsPrefix() throws {
        var state: UInt64 = 1
        for size in 1...40 {
            for k in [1, 2, 3, 7, 40] {
                let scores = (0..<size).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Float(state >> 60) - 8
                }
                let sorted = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }.prefix(k).sorted()
                let choice = try choice(RouteOptions(topK: k), scores)
                #expect(choice.experts == sorted.map { Int32($0) }, "\(scores), k \(k)")
                #expect(isNear(choice.total, 1))
            }
        }
    }

    @Test func standardisationForgetsOffsetAndScale() throws {
        let v = (0..<96).map { Float(($0 * 37) % 96) / 50 - 0.7 }
        let plain = try Standardisation.standardised(v, epsilon: 0)
        for (scale, offset) in [(Float(1), Float(3)), (0.25, 0), (40, -2)] {
            let other = try Standardisation.standardised(v.map { $0 * scale + offset }, epsilon: 0)
            #expect(zip(plain, other).allSatisfy { isNear($0, $1, 1e-5) }, "\(scale) v + \(offset)")
        }
        #expect(try Standardisation.standardised([0, 0, 0]) == [0, 0, 0])
        #expect(try Standardisation.standardised([2, 2], epsilon: 0) == [0, 0])
        #expect(throws: GateVectorError.self) { try Standardisation.standardised([1, .nan]) }
    }

    /// (ū · v̄) / √d computed from ū itself, for a u with a large offset.
    @Test func scoresFromRawInputAreThoseOfTheStandardisedOne() throws {
        let u = (0..<576).map { Float(($0 * 131) % 577) / 100 + 1.5 }
        let gate = try Standardisation.standardised((0..<576).map { Float(($0 * 53) % 577) / 3000 })
        let standard = try Standardisation.standardised(u)
        let dot = zip(u, gate).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let expected = zip(standard, gate).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / 24
        let plan = try RoutePlan(RouteOptions(), experts: ["a"])
        let scores = try plan.scores(
            [Float(dot)], sums: [Standardisation.sum(gate)], moments: InputMoments(of: u.span))
        #expect(abs(Double(scores[0]) - expected) < 1e-4, "\(scores[0]) and \(expected)")
    }

    @Test func unitArrowForgetsTheLengthOfTheInput() throws {
        let plan = try RoutePlan(RouteOptions(method: .arrowUnit), experts: ["a", "b"])
        func scores(_ factor: Float) throws -> [Float] {
            let moments = InputMoments(mean: 0, variance: 0, norm: 5 * factor, width: 2)
            return try plan.scores([-3 * factor, 4 * factor], moments: moments)
        }
        #expect(try zip(scores(1), [0.6, 0.8]).allSatisfy { isNear($0, $1, 1e-6) })
        #expect(try scores(8) == scores(1))
        #expect(try scores(0) == [0, 0])
    }

    @Test func whatIsNoNumberIsRefused() throws {
        let plan = try RoutePlan(RouteOptions(), experts: numbered(3))
        for bad in [Float.nan, .infinity, -.infinity] {
            #expect(throws: RouteScoreError(expert: 1)) { try plan.scores([0, bad, 0]) }
        }
        #expect(throws: RouteScoreError(expert: 0)) {
            try plan.scores([0, 0, 0], moments: InputMoments(mean: .nan, variance: .nan, norm: .nan, width: 4))
        }
        #expect(throws: RouteScoreError(expert: 2)) { try plan.choice(ofScores: [5, 4, .nan]) }
        let nulled = try RoutePlan(RouteOptions(null: .on), experts: numbered(3))
        #expect(throws: RouteScoreError(expert: nil)) { try nulled.choice(ofScores: [0, 0, 0], nullScore: .nan) }
    }
}

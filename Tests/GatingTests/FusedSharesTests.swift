import Foundation
import Gating
import Testing

/// The shares that a fused model's router is refitted to, beside what PHATGOOSE's own plan gives at gate and at up.
@Suite struct FusedSharesTests {
    private static let (width, experts) = (48, 5)

    private static func vector(_ seed: UInt64) -> [Float] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        return (0..<width).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 8 * (Float(state >> 40) / Float(1 << 24) - 0.4)
        }
    }

    private static let gate: [[Float]?] = (0..<experts).map { vector(UInt64($0) + 1) }
    private static let up: [[Float]?] = (0..<experts).map { vector(UInt64($0) + 11) }

    /// The plan's scores of all experts for u.
    private func scores(_ gates: [[Float]?], _ u: [Float], _ plan: RoutePlan) throws -> [Float] {
        let vectors = try gates.compactMap { $0 }.map { try Standardisation.standardised($0) }
        let dots = vectors.map { zip($0, u).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
        return try plan.scores(
            dots, sums: vectors.map { Standardisation.sum($0) }, moments: InputMoments(of: u.span))
    }

    /// The plan's kept weights, [E].
    private func weights(_ gates: [[Float]?], _ u: [Float], _ plan: RoutePlan) throws -> [Float] {
        let choice = try plan.choice(ofScores: scores(gates, u, plan))
        var all = [Float](repeating: 0, count: gates.count)
        for (expert, weight) in zip(choice.experts, choice.weights) { all[Int(expert)] = weight }
        return all
    }

    @Test(arguments: [1, 2, 5]) func keptSharesAreTheMeanOfThePlansWeights(topK: Int) throws {
        let plan = try RoutePlan(RouteOptions(topK: topK), experts: (0..<Self.experts).map { "e\($0)" })
        let shares = try FusedShares(gate: Self.gate, up: Self.up, width: Self.width, topK: topK, kind: .kept)
        for seed in 30..<36 as Range<UInt64> {
            let u = Self.vector(seed)
            let (gate, up) = (try weights(Self.gate, u, plan), try weights(Self.up, u, plan))
            for (found, wanted) in zip(shares.shares(of: u.span), zip(gate, up)) {
                #expect(abs(found - (wanted.0 + wanted.1) / 2) < 1e-5)
            }
        }
    }

    @Test func softSharesAreTheSoftmaxOfTheMeanScore() throws {
        let plan = try RoutePlan(RouteOptions(), experts: (0..<Self.experts).map { "e\($0)" })
        let shares = try FusedShares(gate: Self.gate, up: Self.up, width: Self.width, topK: 2, kind: .softmax)
        for seed in 40..<46 as Range<UInt64> {
            let u = Self.vector(seed)
            let (gate, up) = (try scores(Self.gate, u, plan), try scores(Self.up, u, plan))
            let powers = zip(gate, up).map { exp(Double($0 + $1) / 2) }
            let found = shares.shares(of: u.span)
            for (found, power) in zip(found, powers) {
                #expect(abs(Double(found) - power / powers.reduce(0, +)) < 1e-5)
            }
            #expect(found.max() ?? 0 > 0.3, "the case tells experts apart")
        }
    }

    @Test func anExpertWithoutGatesScoresZero() throws {
        let some = try FusedShares(
            gate: [nil, nil], up: [nil, nil], width: Self.width, topK: 1, kind: .softmax)
        #expect(some.shares(of: Self.vector(3).span) == [0.5, 0.5])
        let kept = try FusedShares(gate: [nil, nil], up: [nil, nil], width: Self.width, topK: 1, kind: .kept)
        #expect(kept.shares(of: Self.vector(3).span) == [1, 0])
    }

    @Test func aGateThatIsNotFiniteIsRefused() {
        #expect(throws: GateVectorError.self) {
            try FusedShares(gate: [[1, .nan], [0, 1]], up: [nil, nil], width: 2, topK: 1, kind: .softmax)
        }
    }
}

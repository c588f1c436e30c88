import Gating
import Testing

@Suite struct FusedRouterTests {
    private func vector(_ width: Int, _ seed: UInt64) -> [Float] {
        var state = seed
        return (0..<width).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24) - 0.3
        }
    }

    /// (v̄ · ū) / √d with ū from x, as PHATGOOSE has it, in double.
    private func score(_ gate: [Float], _ x: [Float]) throws -> Double {
        let v = try Standardisation.standardised(gate)
        let u = try Standardisation.standardised(x)
        return zip(v, u).reduce(0) { $0 + Double($1.0) * Double($1.1) } / Double(x.count).squareRoot()
    }

    private func deviation(_ x: [Float]) -> Double {
        let mean = x.reduce(0.0) { $0 + Double($1) } / Double(x.count)
        let variance = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(x.count)
        return (variance + Double(Standardisation.epsilon)).squareRoot()
    }

    @Test func theRowGivesTheMeanOfTheScoresTimesTheDeviation() throws {
        let (gate, up) = (vector(48, 1), vector(48, 2))
        for seed in 3..<8 as Range<UInt64> {
            let x = vector(48, seed)
            let row = try FusedRouter.row(gate: gate, up: up, width: 48, meanDeviation: 0.7)
            let logit = zip(row, x).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let expected = deviation(x) / 0.7 * (try score(gate, x) + score(up, x)) / 2
            #expect(abs(logit - expected) < 1e-6 * max(1, abs(expected)))
            let half = try FusedRouter.row(gate: nil, up: up, width: 48, meanDeviation: deviation(x))
            let single = zip(half, x).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(single - (try score(up, x)) / 2) < 1e-6)
        }
    }

    @Test func withoutGatesTheRowIsZero() throws {
        #expect(try FusedRouter.row(gate: nil, up: nil, width: 3, meanDeviation: 1) == [0, 0, 0])
    }

    @Test func aGateThatIsNotFiniteIsRefused() {
        #expect(throws: GateVectorError.self) {
            try FusedRouter.row(gate: [1, .nan], up: nil, width: 2, meanDeviation: 1)
        }
    }
}

import Gating
import Testing

@Suite("Gating against torch")
struct TorchTests {
    private func plan(_ golden: Goldens.Case, _ method: String, k: Int, temperature: Float = 1) throws -> RoutePlan {
        let options = RouteOptions(method: try RouteMethod(parsing: method), topK: k, temperature: temperature)
        return try RoutePlan(options, experts: numbered(golden.gateDots.count))
    }

    private func scores(_ golden: Goldens.Case, _ plan: RoutePlan) throws -> [Float] {
        let moments = InputMoments(
            mean: golden.mean, variance: golden.variance, norm: golden.norm, width: golden.width)
        let dots = plan.gateKind == .prototype ? golden.prototypeDots : golden.gateDots
        return try plan.scores(dots, sums: golden.gateSums, moments: moments)
    }

    @Test func scoresAndChoices() throws {
        let cases = try Goldens.load().cases
        #expect(cases.count == 15)
        var compared = 0
        for golden in cases {
            for method in golden.methods {
                for expected in method.choices {
                    let plan = try plan(golden, method.name, k: expected.k, temperature: expected.temperature)
                    let scores = try scores(golden, plan)
                    let label = "\(golden.label), \(method.name), k \(expected.k)"
                    #expect(zip(scores, method.scores).allSatisfy { isNear($0, $1, 1e-5) }, "\(label)")
                    let choice = try plan.choice(ofScores: scores)
                    #expect(choice.experts == expected.experts, "\(label)")
                    #expect(zip(choice.weights, expected.weights).allSatisfy { isNear($0, $1, 2e-5) }, "\(label)")
                    #expect(choice.nullWeight == 0 && choice.commonWeight == 0)
                    compared += 1
                }
            }
        }
        #expect(compared == 15 * 3 * 7)
    }

    @Test func fullSoftmaxAndEntropy() throws {
        for golden in try Goldens.load().cases {
            for method in golden.methods {
                let plan = try plan(golden, method.name, k: 2)
                var full = [Float](repeating: .nan, count: plan.expertCount)
                var places = full.mutableSpan
                let statistics = plan.distribution(
                    scores: method.scores.span, nullScore: 0, into: &places)
                #expect(zip(full, method.full).allSatisfy { isNear($0, $1) }, "\(golden.label), \(method.name)")
                #expect(isNear(statistics.entropy, method.entropy, 5e-6), "\(golden.label), \(method.name)")
                #expect(statistics.topScore == method.scores.max() && statistics.nullProbability == 0)
                #expect(statistics.topExpert == method.scores.firstIndex(of: statistics.topScore))
            }
        }
    }

    @Test func momentsAndStandardisation() throws {
        var seen = 0
        for golden in try Goldens.load().cases {
            guard let u = golden.u, let gates = golden.gates else { continue }
            let moments = InputMoments(of: u.span)
            #expect(isNear(moments.mean, golden.mean, 1e-6) && isNear(moments.norm, golden.norm, 1e-6))
            #expect(isNear(moments.variance, golden.variance, 1e-6) && moments.width == golden.width)
            let standard = try gates.map { try Standardisation.standardised($0) }
            let dots = standard.map { zip($0, u).reduce(0) { $0 + $1.0 * $1.1 } }
            let plan = try plan(golden, "phatgoose", k: 2)
            let scores = try plan.scores(dots, sums: standard.map(Standardisation.sum), moments: moments)
            #expect(zip(scores, golden.methods[0].scores).allSatisfy { isNear($0, $1, 1e-5) }, "\(golden.label)")
            seen += 1
        }
        #expect(seen == 2)
    }
}

import Gating
import Testing

@Suite struct LayerGateTests {
    @Test func everyFamilyChoosesAsItsReferenceDoes() throws {
        let gates = try LayerGoldens.load().gates
        #expect(
            Set(gates.map(\.family))
                == ["mixtral", "qwen", "openMoE", "deepSeekV2", "deepSeekV3", "gptOSS", "granite"])
        for golden in gates {
            let gate = try golden.gate()
            for (token, logits) in golden.logits.enumerated() {
                let chosen = try gate.choose(logits.span).ascending
                #expect(chosen.map(\.expert) == golden.experts[token], "\(golden.family), token \(token)")
                for (ours, theirs) in zip(chosen.map(\.weight), golden.weights[token]) {
                    #expect(abs(ours - theirs) <= 2e-6 * max(1, abs(theirs)), "\(golden.family), token \(token)")
                }
            }
        }
    }

    @Test func ranksAreByScoreAndTiesGoToTheLowerId() throws {
        let gate = try LayerGate.mixtral(experts: 5, topK: 3)
        let choice = try gate.choose(([1, 3, 3, 0, 3] as [Float]).span)
        #expect(choice.experts == [1, 2, 4])
        #expect(Set(choice.weights).count == 1)
        #expect(try gate.choose(([1, 0, 3, 0, 2] as [Float]).span).experts == [2, 4, 0])
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func aLogitThatIsNotFiniteIsRefused(_ bad: Float) throws {
        for gate in [try LayerGate.openMoE(experts: 4), try .granite(experts: 4, topK: 2)] {
            let error = #expect(throws: LayerGateError.self) { try gate.choose(([0, 1, bad, 2] as [Float]).span) }
            #expect(error?.problem.contains("expert 2") == true)
        }
    }

    @Test func unusableGatesAreRefused() throws {
        #expect(throws: LayerGateError.self) { try LayerGate.mixtral(experts: 4, topK: 5) }
        #expect(throws: LayerGateError.self) { try LayerGate.mixtral(experts: 4, topK: 0) }
        #expect(throws: LayerGateError.self) { try LayerGate.mixtral(experts: 0, topK: 1) }
        #expect(throws: LayerGateError.self) {
            try LayerGate.deepSeekV2(experts: 16, topK: 4, scale: 1, groups: (count: 5, kept: 2))
        }
        // Two groups of two hold four experts.
        #expect(throws: LayerGateError.self) {
            try LayerGate.deepSeekV2(experts: 8, topK: 5, scale: 1, groups: (count: 4, kept: 2))
        }
        #expect(throws: LayerGateError.self) {
            try LayerGate.deepSeekV3(experts: 8, topK: 2, scale: 1, groups: (count: 4, kept: 2), bias: [0])
        }
        #expect(throws: LayerGateError.self) {
            try LayerGate.qwen(experts: 4, topK: 1, normTopKProb: true).choose([0].span)
        }
    }
}

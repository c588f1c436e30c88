import Inference
import Kernels
import Testing
import Weights

@Suite("The seam for experts")
struct ExpertBankTests {
    private let ids = (0..<40).map { Int32(($0 * 29 + 3) % 96) }

    @Test(arguments: ["untied-mqa-f32", "qwen2"])
    func aBankOfZerosChangesNoBit(name: String) throws {
        let model = try TestModels.tiny(name)
        let bank = try LowRankBank.random(for: model, scale: 0) { _ in true }
        #expect(same(try model.logits(ids, bank: bank), try model.logits(ids)))
        // q·k·v, o, gate·up and down of two layers, and the head: one dispatch each.
        #expect(bank.groupsBegun == 9)
    }

    /// Adding B A to the weights must give what the bank adds beside them, up to rounding.
    @Test(arguments: ["untied-mqa-f32", "qwen2"])
    func aBankGivesWhatMergedWeightsGive(name: String) throws {
        let model = try TestModels.tiny(name)
        let chosen = ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
        let bank = try LowRankBank.random(for: model, scale: 0.1) { site in chosen.contains { site.hasSuffix($0) } }
        let beside = try model.logits(ids, bank: bank)
        let merged = try MergedCheckpoint.model(name, bank).logits(ids)
        var difference: Float = 0
        var effect: Float = 0
        for (a, b) in zip(beside.joined(), merged.joined()) { difference = max(difference, abs(a - b)) }
        for (a, b) in zip(beside.joined(), try model.logits(ids).joined()) { effect = max(effect, abs(a - b)) }
        #expect(difference < 2e-4)
        #expect(effect > 0.1)
    }

    @Test func whatABankAddsDoesNotDependOnChunksOrNeighbours() throws {
        let model = try TestModels.tiny("mha")
        let bank = try LowRankBank.random(for: model, scale: 0.1) { _ in true }
        let whole = try model.logits(ids, bank: bank)
        #expect(same(try model.logits(ids, chunk: 7, bank: bank), whole))
        #expect(same(try model.logits(ids, chunk: 1, bank: bank), whole))
    }

    @Test func aMissingExpertFailsItsSequenceAlone() throws {
        let model = try TestModels.tiny("mha")
        let bank = try LowRankBank.random(for: model, scale: 0) { $0.hasSuffix("q_proj") }
        let limits = EngineLimits(tokensPerStepMax: 32, sequencesMax: 4, contextMax: 64, keyValuePagesMax: 8)
        let engine = try Engine(model: model, limits: limits, team: TestModels.team, bank: bank)
        let request = GenerationRequest(prompt: [1, 2, 3], maxTokens: 5)
        let expected = try engine.complete(request)
        let first = try engine.add(request)
        let second = try engine.add(request)
        _ = engine.step()
        bank.missing = [second]
        var events = engine.step()
        #expect(events.contains(.finished(second, .failed(.expert("no expert today")))))
        bank.missing = []
        while engine.hasWork { events += engine.step() }
        #expect(events.last == .finished(first, .length))
        let tokens = events.compactMap { event -> Int32? in
            if case .token(first, let token) = event { token.id } else { nil }
        }
        #expect(tokens == Array(expected.tokens.dropFirst()))
    }

    /// NaN in one sequence's logits, here from a damaged expert at the head, ends that sequence only.
    @Test func unsoundLogitsFailTheirSequenceAlone() throws {
        let engine = try Engine(
            model: TestModels.tiny("mha"),
            limits: EngineLimits(tokensPerStepMax: 32, sequencesMax: 4, contextMax: 64, keyValuePagesMax: 8),
            team: TestModels.team, bank: DamagedHead(victim: SequenceID(number: 2)))
        let outcomes = try engine.complete([
            GenerationRequest(prompt: [1, 2, 3], maxTokens: 5), GenerationRequest(prompt: [1, 2, 3, 4], maxTokens: 5),
        ])
        #expect(outcomes[0].finish == .length && outcomes[0].tokens.count == 5)
        #expect(outcomes[1].finish == .failed(.unsoundLogits(position: 4)) && outcomes[1].tokens.isEmpty)
    }
}

/// Writes NaN into the victim's logits.
private final class DamagedHead: ExpertBank {
    private let victim: SequenceID
    private var rows: [Int] = []

    init(victim: SequenceID) { self.victim = victim }

    func serves(_ group: SiteGroup) -> Bool { group.linears[0].site == "lm_head" }

    func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        rows = origins.indices.filter { origins[$0].sequence == victim }
        return ExpertTicket(number: 0)
    }

    func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {
        for row in rows { outputs[0].buffer.withMutableRow(row) { $0[7] = .nan } }
    }
}

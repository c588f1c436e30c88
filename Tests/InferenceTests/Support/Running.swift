import Inference
import Kernels

/// What one sequence gave.
struct Outcome: Equatable {
    var tokens: [Int32] = []
    var generated: [GeneratedToken] = []
    var finish: FinishReason?
}

extension Engine {
    /// Adds requests and steps until all have ended; outcomes in order of the requests.
    func complete(_ requests: [GenerationRequest]) throws -> [Outcome] {
        var outcomes: [SequenceID: Outcome] = [:]
        let ids = try requests.map { try add($0) }
        while hasWork {
            for event in step() {
                switch event {
                case .token(let id, let token):
                    outcomes[id, default: Outcome()].tokens.append(token.id)
                    outcomes[id, default: Outcome()].generated.append(token)
                case .finished(let id, let reason): outcomes[id, default: Outcome()].finish = reason
                }
            }
        }
        return ids.map { outcomes[$0] ?? Outcome() }
    }

    func complete(_ request: GenerationRequest) throws -> Outcome { try complete([request])[0] }
}

extension LanguageModel {
    /// The logits of every position.
    func logits(
        _ ids: [Int32], chunk: Int = 128, team: ComputeTeam = TestModels.team, instructionSet: InstructionSet = .best,
        bank: (any ExpertBank)? = nil
    ) throws -> [[Float]] {
        var rows: [[Float]] = []
        _ = try score(
            ids, team: team, instructionSet: instructionSet, chunk: chunk, bank: bank,
            visit: { _, logits in
                rows.append(logits.indices.map { logits[$0] })
            })
        return rows
    }
}

import Evaluation
import Gating
import Inference
import Tokenization

/// Scores documents under one method after the other, on one set of experts.
struct RoutingTrial {
    let model: LoadedModel
    let bank: RoutedExpertBank
    /// With gates made of prompts, where a method wants them.
    var prompted: RoutedExpertBank?
    /// Where `retrieval` finds its expert.
    var examples: RoutingExamples?

    /// One document under one method.
    struct Scored {
        let loss: DocumentLoss
        /// By index of the predicted token, from 1 on: its loss in nats.
        let losses: [Double]
        /// By token: the expert with the largest kept weight over all sites; only where it was asked for.
        let heaviest: [Int?]
    }

    /// What tokens have chosen since the last call; nil where no scores decided.
    func takeRouting(_ way: EvaluatedMethod) -> RoutingReport.Routing? {
        RoutingReport.Routing(experts(of: way).takeStatistics())
    }

    private func experts(of way: EvaluatedMethod) -> RoutedExpertBank { way.isPrompted ? prompted ?? bank : bank }

    func score(_ document: TextSet.Document, _ way: EvaluatedMethod, traces: Bool = false) throws -> Scored {
        let options = way.options
        var weights = TokenWeightSums(experts: traces ? bank.set.experts.count : 0)
        let bank = experts(of: way)
        let retrieved = options.method == .retrieval ? try examples?.nearest(to: document) : nil
        let score = try model.weights.score(
            document.ids, team: model.team, bank: bank,
            route: RouteRequest(options, retrieved: retrieved, traces: traces),
            progress: { _ in if traces { weights.add(bank.takeTrace(LanguageModel.scoredSequence)) } })
        let predicted = document.ids.dropFirst()
        let bytes = model.text.tokenizer.decodeBytes(predicted, skippingSpecial: false).count
        let loss = DocumentLoss(nats: score.losses.reduce(0, +), tokens: predicted.count, bytes: bytes)
        return Scored(loss: loss, losses: score.losses, heaviest: weights.heaviest(tokens: document.ids.count))
    }
}

/// Kept weights by token and expert, summed over all sites.
private struct TokenWeightSums {
    private let experts: Int
    private var sums: [Int32: [Double]] = [:]

    init(experts: Int) { self.experts = experts }

    mutating func add(_ choices: [TracedChoice]) {
        for choice in choices {
            for (expert, weight) in zip(choice.experts, choice.weights) where Int(expert) < experts {
                sums[choice.position, default: Array(repeating: 0, count: experts)][Int(expert)] += Double(weight)
            }
        }
    }

    func heaviest(tokens: Int) -> [Int?] {
        guard experts > 0 else { return [] }
        return (0..<tokens).map { token in
            guard let row = sums[Int32(token)], let most = row.max(), most > 0 else { return nil }
            return row.firstIndex(of: most)
        }
    }
}

import Evaluation
import Inference
import Kernels
import Tokenization
import Weights

/// Texts as the mean, over their tokens but the first, of what the trunk's last layer is given.
struct TrunkStates {
    /// q/k/v, o, gate/up, down, head.
    private static let groupsFromEnd = 5
    /// Of a text, its first ones.
    private static let tokensMax = 512

    private let model: LoadedModel
    private let group: Int
    private let meter: ActivationMeter

    init(_ model: LoadedModel) {
        self.model = model
        group = model.weights.siteGroups.count - Self.groupsFromEnd
        // The first position's state is large and the same for all texts.
        meter = ActivationMeter(groups: [group], firstPosition: 1)
    }

    func vector(_ text: String) throws -> [Float] {
        var ids = Array(model.text.encode(raw: text, parseSpecial: false).prefix(Self.tokensMax))
        // A text of one token has no position but the first.
        if ids.count == 1 { ids.append(ids[0]) }
        _ = try model.weights.score(ids, team: model.team, bank: meter)
        return meter.takeMeans()[group] ?? []
    }
}

import Inference

/// What one token chose at one linear layer.
struct ChoiceJSON: Encodable {
    let position: Int32
    let site: String
    let experts: [String]
    /// One for each of `experts`: the kept weights, which rows were multiplied with.
    let weights: [Float]
    let nullWeight, commonWeight: Float

    init(_ choice: TracedChoice, _ groups: [SiteGroup], _ names: [String]) {
        position = choice.position
        site = groups[Int(choice.group)].linears[Int(choice.linear)].site
        experts = choice.experts.map { names[Int($0)] }
        weights = choice.weights
        nullWeight = choice.nullWeight
        commonWeight = choice.commonWeight
    }

    /// In the order of positions, and within one of sites.
    static func list(_ choices: [TracedChoice], _ model: LanguageModel, _ set: ExpertSet) -> [ChoiceJSON] {
        let groups = model.siteGroups
        return choices.sorted { ($0.position, $0.group, $0.linear) < ($1.position, $1.group, $1.linear) }
            .map { ChoiceJSON($0, groups, set.names) }
    }
}

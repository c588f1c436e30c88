import Gating
import Inference
import Weights

/// Gates without training: at every site v is the mean of the standardised input ū over an expert's prompts, minus that over general text;
/// both are read by the trunk alone.
struct PromptGates {
    /// Mean ū by `SiteGroup.index`, and the tokens that are in it.
    struct Means {
        let byGroup: [Int: [Double]]
        let tokens: Int
    }

    let model: LoadedModel

    func means(of texts: [[Int32]]) throws -> Means {
        let meter = StandardisedMeter(epsilon: Standardisation.epsilon)
        let progress = ThrottledProgress("reading \(texts.count) texts")
        for (index, text) in texts.enumerated() {
            _ = try model.weights.score(text, team: model.team, bank: meter)
            progress.show(fraction: Double(index + 1) / Double(texts.count))
        }
        Terminal.endProgress()
        return Means(byGroup: meter.means, tokens: texts.reduce(0) { $0 + $1.count })
    }

    /// v by site, of the sites that the adapter has.
    func gates(_ own: Means, minus general: Means, for adapter: AdapterFolder) -> [String: [Float]] {
        var gates: [String: [Float]] = [:]
        for group in model.weights.siteGroups {
            guard let mine = own.byGroup[group.index], let theirs = general.byGroup[group.index] else { continue }
            let gate = zip(mine, theirs).map { Float($0 - $1) }
            for linear in group.linears where adapter.pair(at: linear.site) != nil { gates[linear.site] = gate }
        }
        return gates
    }
}

import Gating
import Inference
import Messaging

extension RoutingReport {
    /// What tokens chose at a model's mixture layers, in as many messages as it takes. Experts are called by their numbers.
    static func reports(of counts: MixtureCounts, model: String) -> [RoutingReport] {
        let experts = counts.layers.first?.load.expertCount ?? 0
        let sites = counts.layers.map(SiteRouting.init)
        let most = sitesMax(experts: experts)
        return stride(from: 0, to: sites.count, by: most).map { first in
            RoutingReport(
                model: model, experts: (0..<experts).map(String.init),
                sites: Array(sites[first..<min(first + most, sites.count)]), firstSite: UInt32(first),
                siteCount: UInt32(sites.count))
        }
    }
}

extension SiteRouting {
    fileprivate init(_ layer: MixtureCounts.Layer) {
        let (load, drops) = (layer.load, layer.drops)
        let isPaired = load.expertCount <= Messaging.MixtureRouting.pairedExpertsMax
        self.init(
            site: "model.layers.\(layer.layer).mlp", rows: UInt64(load.tokens), fullRows: UInt64(load.tokens),
            entropy: load.entropy, kept: load.weights, full: load.probabilities, chosen: load.rows.map { UInt64($0) },
            heaviest: load.firsts.map { UInt64($0) },
            mixture: Messaging.MixtureRouting(
                together: isPaired ? load.together.map { UInt64($0) } : [], squaredLogSums: load.squaredLogSums,
                capacityChoices: UInt64(drops.choices), droppedByRank: drops.byRank.map { UInt64($0) },
                droppedByPosition: drops.byPosition.map { UInt64($0) }, costs: layer.costs.map { UInt64($0) }))
    }
}

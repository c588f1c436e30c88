import Gating
import Inference
import Messaging

extension RoutingReport {
    /// In as many messages as it takes.
    static func reports(
        of statistics: RoutingStatistics, _ set: ExpertSet, model: String, _ weights: LanguageModel
    ) -> [RoutingReport] {
        let groups = weights.siteGroups
        let sites = statistics.sites.map { SiteRouting($0, name: groups[$0.group].linears[$0.linear].site) }
        let most = sitesMax(experts: statistics.experts.count)
        return stride(from: 0, to: sites.count, by: most).map { first in
            RoutingReport(
                model: model, setSHA256: statistics.version, experts: statistics.experts,
                sites: Array(sites[first..<min(first + most, sites.count)]), firstSite: UInt32(first),
                siteCount: UInt32(sites.count))
        }
    }
}

extension SiteRouting {
    fileprivate init(_ sums: RoutingStatistics.Site, name: String) {
        self.init(
            site: name, rows: UInt64(sums.rows), keptNull: sums.keptNull, keptCommon: sums.keptCommon,
            emptyRows: UInt64(sums.emptyRows), fullRows: UInt64(sums.fullRows), fullNull: sums.fullNull,
            entropy: sums.entropy, kept: sums.kept, full: sums.full, chosen: sums.chosen.map { UInt64($0) },
            heaviest: sums.heaviest.map { UInt64($0) }, entropies: sums.entropies.map { UInt64($0) })
    }
}

extension Messaging.RouteOptions {
    /// With nothing left to a default, in the words that a query uses.
    init(_ options: Gating.RouteOptions) {
        self.init(
            method: "\(options.method)", topK: UInt32(clamping: options.topK), temperature: options.temperature,
            null: options.null.rawValue, common: "\(options.common)", allowed: (options.allowed ?? []).sorted(),
            biases: Self.values(options.biases), weights: Self.values(options.weights))
    }

    private static func values(_ values: [String: Float]) -> [NamedValue] {
        values.sorted { $0.key < $1.key }.map { NamedValue(name: $0.key, value: $0.value) }
    }
}

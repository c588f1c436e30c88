import Messaging
import Statistics

/// What tokens of routed models have chosen since this router started. Bounded: a few sets of experts, the one that reported
/// longest ago goes first.
struct RoutingBook {
    static let setsMax = 8

    private let sinceUnixSeconds: UInt64
    /// The one that reported last is last.
    private var sums: [RoutingSums] = []

    init(sinceUnixSeconds: UInt64) { self.sinceUnixSeconds = sinceUnixSeconds }

    mutating func add(_ report: RoutingReport) {
        let place = sums.firstIndex {
            $0.model == report.model && $0.setSHA256 == report.setSHA256 && $0.experts == report.experts
        }
        var entry =
            place.map { sums.remove(at: $0) }
            ?? RoutingSums(model: report.model, setSHA256: report.setSHA256, experts: report.experts)
        for site in report.sites { entry.add(SiteSums(site), at: site.site) }
        if sums.count == Self.setsMax { sums.removeFirst() }
        sums.append(entry)
    }

    /// Of the set that reported last; nil where nothing is known of the model.
    func report(_ request: RoutingRequest) -> RoutingReport? {
        guard let found = sums.last(where: { request.model.isEmpty || $0.model == request.model }) else { return nil }
        let sites = found.sites.dropFirst(Int(request.firstSite)).prefix(
            RoutingReport.sitesMax(experts: found.experts.count))
        return RoutingReport(
            model: found.model, setSHA256: found.setSHA256, experts: found.experts,
            sites: sites.map { SiteRouting($0.name, $0.sums) }, firstSite: request.firstSite,
            siteCount: UInt32(found.sites.count), sinceUnixSeconds: sinceUnixSeconds)
    }
}

extension SiteSums {
    package init(_ wire: SiteRouting) {
        self.init()
        (rows, keptNull, keptCommon, emptyRows) = (wire.rows, wire.keptNull, wire.keptCommon, wire.emptyRows)
        (fullRows, fullNull, entropy) = (wire.fullRows, wire.fullNull, wire.entropy)
        (kept, full, chosen, heaviest) = (wire.kept, wire.full, wire.chosen, wire.heaviest)
        entropies = wire.entropies
        mixture = wire.mixture.map(MixtureSums.init)
    }
}

extension SiteRouting {
    fileprivate init(_ name: String, _ sums: SiteSums) {
        self.init(
            site: name, rows: sums.rows, keptNull: sums.keptNull, keptCommon: sums.keptCommon,
            emptyRows: sums.emptyRows, fullRows: sums.fullRows, fullNull: sums.fullNull, entropy: sums.entropy,
            kept: sums.kept, full: sums.full, chosen: sums.chosen, heaviest: sums.heaviest, entropies: sums.entropies,
            mixture: sums.mixture.map(MixtureRouting.init))
    }
}

extension MixtureSums {
    fileprivate init(_ wire: MixtureRouting) {
        self.init()
        (together, squaredLogSums, capacityChoices) = (wire.together, wire.squaredLogSums, wire.capacityChoices)
        (droppedByRank, droppedByPosition, costs) = (wire.droppedByRank, wire.droppedByPosition, wire.costs)
    }
}

extension MixtureRouting {
    fileprivate init(_ sums: MixtureSums) {
        self.init(
            together: sums.together, squaredLogSums: sums.squaredLogSums, capacityChoices: sums.capacityChoices,
            droppedByRank: sums.droppedByRank, droppedByPosition: sums.droppedByPosition, costs: sums.costs)
    }
}

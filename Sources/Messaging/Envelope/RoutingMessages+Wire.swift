import CEnvelope
import CProtobufC

extension RoutedTokens {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__RoutedTokens> {
        arena.message(skein__routed_tokens__init) { c in
            c.n_experts = experts.count
            c.experts = arena.list(experts) { arena.text($0) }
            c.n_experts_sha256 = expertsSHA256.count
            c.experts_sha256 = arena.list(expertsSHA256) { arena.text($0) }
            c.set_sha256 = arena.text(setSHA256)
            c.route = route?.encoded(arena)
            c.first_position = firstPosition
            c.n_heaviest = heaviest.count
            c.heaviest = arena.list(heaviest) { $0 }
            c.n_shares = shares.count
            c.shares = arena.list(shares) { $0 }
            c.n_null_shares = nullShares.count
            c.null_shares = arena.list(nullShares) { $0 }
        }
    }

    init(_ c: Skein__RoutedTokens) throws(WireError) {
        let tokensMax = WireLimits.routedTokensMax
        self.init(
            experts: try readNames(c.experts, c.n_experts, "RoutedTokens.experts"),
            expertsSHA256: try readNames(c.experts_sha256, c.n_experts_sha256, "RoutedTokens.experts_sha256"),
            setSHA256: try readText(c.set_sha256, "RoutedTokens.set_sha256", max: WireLimits.nameBytesMax),
            route: try c.route.map { (message) throws(WireError) in try RouteOptions(message.pointee) },
            firstPosition: c.first_position,
            heaviest: try readList(c.heaviest, c.n_heaviest, "RoutedTokens.heaviest", max: tokensMax) { $0 },
            shares: try readList(c.shares, c.n_shares, "RoutedTokens.shares", max: tokensMax) { $0 },
            nullShares: try readList(c.null_shares, c.n_null_shares, "RoutedTokens.null_shares", max: tokensMax) { $0 })
        guard shares.count == heaviest.count, nullShares.count == heaviest.count,
            expertsSHA256.count == experts.count, heaviest.allSatisfy({ $0 <= experts.count })
        else { throw .malformed("RoutedTokens has lists that do not fit together") }
    }
}

extension SiteRouting {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__SiteRouting> {
        arena.message(skein__site_routing__init) { c in
            c.site = arena.text(site)
            c.rows = rows
            c.kept_null = keptNull
            c.kept_common = keptCommon
            c.empty_rows = emptyRows
            c.full_rows = fullRows
            c.full_null = fullNull
            c.entropy = entropy
            c.n_kept = kept.count
            c.kept = arena.list(kept) { $0 }
            c.n_full = full.count
            c.full = arena.list(full) { $0 }
            c.n_chosen = chosen.count
            c.chosen = arena.list(chosen) { $0 }
            c.n_heaviest = heaviest.count
            c.heaviest = arena.list(heaviest) { $0 }
            c.n_entropies = entropies.count
            c.entropies = arena.list(entropies) { $0 }
            c.mixture = mixture?.encoded(arena)
        }
    }

    init(_ c: Skein__SiteRouting) throws(WireError) {
        let expertsMax = WireLimits.expertsMax
        self.init(
            site: try readText(c.site, "SiteRouting.site", max: WireLimits.nameBytesMax),
            rows: c.rows,
            keptNull: c.kept_null,
            keptCommon: c.kept_common,
            emptyRows: c.empty_rows,
            fullRows: c.full_rows,
            fullNull: c.full_null,
            entropy: c.entropy,
            kept: try readList(c.kept, c.n_kept, "SiteRouting.kept", max: expertsMax) { $0 },
            full: try readList(c.full, c.n_full, "SiteRouting.full", max: expertsMax) { $0 },
            chosen: try readList(c.chosen, c.n_chosen, "SiteRouting.chosen", max: expertsMax) { $0 },
            heaviest: try readList(c.heaviest, c.n_heaviest, "SiteRouting.heaviest", max: expertsMax) { $0 },
            entropies: try readList(
                c.entropies, c.n_entropies, "SiteRouting.entropies", max: WireLimits.entropyBinsMax
            ) { $0 },
            mixture: try c.mixture.map { (message) throws(WireError) in try MixtureRouting(message.pointee) })
    }
}

extension MixtureRouting {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__MixtureRouting> {
        arena.message(skein__mixture_routing__init) { c in
            c.n_together = together.count
            c.together = arena.list(together) { $0 }
            c.squared_log_sums = squaredLogSums
            c.capacity_choices = capacityChoices
            c.n_dropped_by_rank = droppedByRank.count
            c.dropped_by_rank = arena.list(droppedByRank) { $0 }
            c.n_dropped_by_position = droppedByPosition.count
            c.dropped_by_position = arena.list(droppedByPosition) { $0 }
            c.n_costs = costs.count
            c.costs = arena.list(costs) { $0 }
        }
    }

    init(_ c: Skein__MixtureRouting) throws(WireError) {
        let pairsMax = Self.pairedExpertsMax * (Self.pairedExpertsMax - 1) / 2
        let expertsMax = WireLimits.expertsMax
        self.init(
            together: try readList(c.together, c.n_together, "MixtureRouting.together", max: pairsMax) { $0 },
            squaredLogSums: c.squared_log_sums,
            capacityChoices: c.capacity_choices,
            droppedByRank: try readList(
                c.dropped_by_rank, c.n_dropped_by_rank, "MixtureRouting.dropped_by_rank", max: expertsMax
            ) { $0 },
            droppedByPosition: try readList(
                c.dropped_by_position, c.n_dropped_by_position, "MixtureRouting.dropped_by_position", max: 64
            ) { $0 },
            costs: try readList(c.costs, c.n_costs, "MixtureRouting.costs", max: expertsMax) { $0 })
    }

    func check(experts: Int) throws(WireError) {
        guard costs.count == experts, together.isEmpty || together.count == experts * (experts - 1) / 2 else {
            throw .malformed("MixtureRouting has sums of other than its \(experts) experts")
        }
    }
}

extension RoutingRequest {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__RoutingRequest> {
        arena.message(skein__routing_request__init) { c in
            c.model = arena.text(model)
            c.first_site = firstSite
        }
    }

    init(_ c: Skein__RoutingRequest) throws(WireError) {
        self.init(
            model: try readText(c.model, "RoutingRequest.model", max: WireLimits.nameBytesMax), firstSite: c.first_site)
    }
}

extension RoutingReport {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__RoutingReport> {
        arena.message(skein__routing_report__init) { c in
            c.model = arena.text(model)
            c.set_sha256 = arena.text(setSHA256)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { arena.text($0) }
            c.n_sites = sites.count
            c.sites = arena.list(sites) { $0.encoded(arena) }
            c.first_site = firstSite
            c.site_count = siteCount
            c.since_unix_seconds = sinceUnixSeconds
        }
    }

    init(_ c: Skein__RoutingReport) throws(WireError) {
        self.init(
            model: try readText(c.model, "RoutingReport.model", max: WireLimits.nameBytesMax),
            setSHA256: try readText(c.set_sha256, "RoutingReport.set_sha256", max: WireLimits.nameBytesMax),
            experts: try readNames(c.experts, c.n_experts, "RoutingReport.experts"),
            sites: try readMessages(
                c.sites, c.n_sites, "RoutingReport.sites", max: WireLimits.sitesMax, SiteRouting.init),
            firstSite: c.first_site,
            siteCount: c.site_count,
            sinceUnixSeconds: c.since_unix_seconds)
        let count = experts.count
        for site in sites {
            try site.mixture?.check(experts: count)
            guard site.kept.count == count, site.full.count == count, site.chosen.count == count,
                site.heaviest.count == count
            else { throw .malformed("RoutingReport.sites has a site with sums of other than its \(count) experts") }
        }
    }
}

private func readNames(
    _ list: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ field: String
) throws(WireError) -> [String] {
    try readList(list, count, field, max: WireLimits.expertsMax) { (name) throws(WireError) in
        try readText(name, field, max: WireLimits.nameBytesMax)
    }
}

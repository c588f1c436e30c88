/// How the tokens of one query found their experts. Shares are of the weights kept after top-k, summed over all sites, null and
/// common expert included.
package struct RoutedTokens: Sendable, Equatable {
    /// By id.
    package var experts: [String]
    /// By id: of the adapters' weights.
    package var expertsSHA256: [String]
    /// Over names, hashes, null scores and the common expert.
    package var setSHA256: String
    /// As it was resolved against the topology's defaults.
    package var route: RouteOptions?
    /// Of `heaviest[0]` among prompt and generated tokens.
    package var firstPosition: UInt32
    /// Per token 1 + the id of the expert with the most weight; 0: none had any.
    package var heaviest: [UInt32]
    /// Per token that expert's share.
    package var shares: [Float]
    /// Per token the null expert's share.
    package var nullShares: [Float]

    package init(
        experts: [String] = [], expertsSHA256: [String] = [], setSHA256: String = "", route: RouteOptions? = nil,
        firstPosition: UInt32 = 0, heaviest: [UInt32] = [], shares: [Float] = [], nullShares: [Float] = []
    ) {
        self.experts = experts
        self.expertsSHA256 = expertsSHA256
        self.setSHA256 = setSHA256
        self.route = route
        self.firstPosition = firstPosition
        self.heaviest = heaviest
        self.shares = shares
        self.nullShares = nullShares
    }
}

/// What tokens chose at one linear layer, summed. `kept` are the weights after top-k, `full` is the softmax over all experts and the
/// null before it, over `fullRows` of the rows.
package struct SiteRouting: Sendable, Equatable {
    /// Hugging Face module name.
    package var site: String
    /// That scores decided for.
    package var rows: UInt64
    package var keptNull: Double
    package var keptCommon: Double
    /// That chose nothing at all.
    package var emptyRows: UInt64
    package var fullRows: UInt64
    package var fullNull: Double
    /// Of the full softmax, nats, summed.
    package var entropy: Double
    /// These four by expert id.
    package var kept: [Double]
    package var full: [Double]
    package var chosen: [UInt64]
    package var heaviest: [UInt64]
    /// `fullRows` by entropy, in equal parts of 0 ... ln(experts + 1).
    package var entropies: [UInt64]
    /// Only of a mixture layer.
    package var mixture: MixtureRouting?

    package init(
        site: String = "", rows: UInt64 = 0, keptNull: Double = 0, keptCommon: Double = 0, emptyRows: UInt64 = 0,
        fullRows: UInt64 = 0, fullNull: Double = 0, entropy: Double = 0, kept: [Double] = [], full: [Double] = [],
        chosen: [UInt64] = [], heaviest: [UInt64] = [], entropies: [UInt64] = [], mixture: MixtureRouting? = nil
    ) {
        self.mixture = mixture
        self.site = site
        self.rows = rows
        self.keptNull = keptNull
        self.keptCommon = keptCommon
        self.emptyRows = emptyRows
        self.fullRows = fullRows
        self.fullNull = fullNull
        self.entropy = entropy
        self.kept = kept
        self.full = full
        self.chosen = chosen
        self.heaviest = heaviest
        self.entropies = entropies
    }
}

/// What only mixture layers have.
package struct MixtureRouting: Sendable, Equatable {
    /// Most experts whose pairs are counted.
    package static let pairedExpertsMax = 128

    /// Tokens by pair of experts a < b, a slowest; empty where there are over `pairedExpertsMax`.
    package var together: [UInt64]
    /// Of (ln Σ e^logit)², summed.
    package var squaredLogSums: Double
    /// Of prompts under a capacity.
    package var capacityChoices: UInt64
    package var droppedByRank: [UInt64]
    /// By eighth of the prompt.
    package var droppedByPosition: [UInt64]
    /// By expert: weights that a row is multiplied with.
    package var costs: [UInt64]

    package init(
        together: [UInt64] = [], squaredLogSums: Double = 0, capacityChoices: UInt64 = 0, droppedByRank: [UInt64] = [],
        droppedByPosition: [UInt64] = [], costs: [UInt64] = []
    ) {
        self.together = together
        self.squaredLogSums = squaredLogSums
        self.capacityChoices = capacityChoices
        self.droppedByRank = droppedByRank
        self.droppedByPosition = droppedByPosition
        self.costs = costs
    }
}

/// A client asks for what tokens have chosen since the router started.
package struct RoutingRequest: Sendable, Equatable {
    /// Empty: the only routed one.
    package var model: String
    /// A reply holds as many sites as fit.
    package var firstSite: UInt32

    package init(model: String = "", firstSite: UInt32 = 0) {
        self.model = model
        self.firstSite = firstSite
    }
}

/// The answer; and what a worker reports every few seconds: the sums since the report before.
package struct RoutingReport: Sendable, Equatable {
    package var model: String
    package var setSHA256: String
    /// By id.
    package var experts: [String]
    package var sites: [SiteRouting]
    package var firstSite: UInt32
    /// Of all replies together.
    package var siteCount: UInt32
    package var sinceUnixSeconds: UInt64

    package init(
        model: String = "", setSHA256: String = "", experts: [String] = [], sites: [SiteRouting] = [],
        firstSite: UInt32 = 0, siteCount: UInt32 = 0, sinceUnixSeconds: UInt64 = 0
    ) {
        self.model = model
        self.setSHA256 = setSHA256
        self.experts = experts
        self.sites = sites
        self.firstSite = firstSite
        self.siteCount = siteCount
        self.sinceUnixSeconds = sinceUnixSeconds
    }

    /// Sites whose sums over this many experts fit into one envelope: 42 bytes per expert at most, some hundred for the rest, and 10 for
    /// each pair that is counted.
    package static func sitesMax(experts: Int) -> Int {
        let pairs = experts <= MixtureRouting.pairedExpertsMax ? experts * (experts - 1) / 2 : 0
        return max(
            1, min(WireLimits.sitesMax, (WireLimits.envelopeBytesMax * 3 / 4) / (1200 + 50 * experts + 10 * pairs)))
    }
}

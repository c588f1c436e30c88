import Charts
import Messaging
import RouterService
import Statistics

extension RoutingSums {
    init(_ report: Messaging.RoutingReport) {
        self.init(model: report.model, setSHA256: report.setSHA256, experts: report.experts)
        for site in report.sites { add(SiteSums(site), at: site.site) }
    }
}

/// `skein stats --plot`: sites down, experts across; beside them how evenly the site's softmax was spread.
enum RoutingPicture {
    static func heatMap(_ sums: RoutingSums, pattern: String) -> SVGDocument {
        let sites = sums.sites(matching: pattern)
        if sites.contains(where: { $0.sums.mixture != nil }) { return mixture(sums, sites) }
        let bins = sites.map(\.sums.entropies.count).max() ?? 0
        let rows = sites.map { site -> (name: String, values: [Double?]) in
            let shares = sums.experts.indices.map { site.sums.keptShare($0) } + [site.sums.nullShare]
            let spread = (0..<bins).map { bin -> Double? in
                guard site.sums.fullRows > 0, bin < site.sums.entropies.count else { return nil }
                return Double(site.sums.entropies[bin]) / Double(site.sums.fullRows)
            }
            return (site.name, shares + spread)
        }
        let ends = (0..<bins).map { "H " + percent(Double($0) / Double(bins)) }
        return HeatMap(
            title: "\(sums.model): what tokens chose at each linear layer",
            subtitle:
                "left: shares of the weights kept after top-k; right (H): share of tokens by entropy of the full softmax, "
                + "from 0 to ln(\(sums.experts.count + 1))",
            columns: sums.experts + ["null"] + ends, rows: rows, scale: .rising(most: 1), decimals: 2,
            cell: (34, 15)
        ).picture
    }

    /// Layers down; across the shares of the load, and the share that was dropped in each eighth of the prompts.
    private static func mixture(_ sums: RoutingSums, _ sites: [(name: String, sums: SiteSums)]) -> SVGDocument {
        let hasDrops = sites.contains { $0.sums.mixture?.droppedShare != nil }
        let buckets = hasDrops ? sites.compactMap { $0.sums.mixture?.droppedByPosition.count }.max() ?? 0 : 0
        let rows = sites.map { site -> (name: String, values: [Double?]) in
            let all = Double(max(site.sums.chosen.reduce(0, +), 1))
            let drops = (0..<buckets).map { bucket -> Double? in
                guard let mixture = site.sums.mixture, mixture.capacityChoices > 0 else { return nil }
                return Double(mixture.droppedByPosition[bucket]) * Double(buckets) / Double(mixture.capacityChoices)
            }
            return (site.name, site.sums.chosen.map { Double($0) / all } + drops)
        }
        return HeatMap(
            title: "\(sums.model): load of each mixture layer's experts",
            subtitle: "shares of the chosen experts"
                + (hasDrops ? "; D: share of choices dropped, by eighth of the prompt" : ""),
            columns: sums.experts + (0..<buckets).map { "D \($0 + 1)" }, rows: rows,
            scale: .rising(most: rows.flatMap { $0.values.compactMap(\.self) }.max() ?? 1), decimals: 2, cell: (34, 15)
        ).picture
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}

/// `skein stats --site --json`.
struct RoutingJSON: Encodable {
    struct Site: Encodable {
        let site: String
        let sums: SiteSums
        let nullShare, meanEntropyNats: Double?
        /// Experts that together carry 90 % of the experts' kept weight.
        let carrying90: [String]
        /// Only of a mixture layer.
        let load: Load?
    }

    struct Load: Encodable {
        struct Pair: Encodable {
            let experts: [Int]
            let tokens: UInt64
            let lift: Double
        }

        let coefficientOfVariation, maxOverMean, normalisedEntropy, balanceLoss, routerZLoss: Double?
        let weightsPerToken, droppedShare: Double?
        let together: [Pair]

        init?(_ sums: SiteSums) {
            guard let mixture = sums.mixture else { return nil }
            coefficientOfVariation = sums.coefficientOfVariation
            maxOverMean = sums.maxOverMean
            normalisedEntropy = sums.loadEntropy
            balanceLoss = sums.balanceLoss
            routerZLoss = sums.routerZLoss
            weightsPerToken = sums.costPerToken
            droppedShare = mixture.droppedShare
            together = sums.pairs(most: 10).map {
                Pair(experts: [$0.first, $0.second], tokens: $0.tokens, lift: $0.lift)
            }
        }
    }

    let model, setSHA256: String
    let experts: [String]
    let distributions = [
        "kept": "weights after top-k; with keptNull and keptCommon they sum to rows",
        "full": "softmax over all experts and the null before top-k; with fullNull it sums to fullRows",
    ]
    let sites: [Site]

    init(_ sums: RoutingSums, pattern: String) {
        (model, setSHA256, experts) = (sums.model, sums.setSHA256, sums.experts)
        let names = sums.experts
        sites = sums.sites(matching: pattern).map { site in
            Site(
                site: site.name, sums: site.sums, nullShare: site.sums.nullShare,
                meanEntropyNats: site.sums.meanEntropy, carrying90: site.sums.carrying(0.9).map { names[$0] },
                load: Load(site.sums))
        }
    }
}

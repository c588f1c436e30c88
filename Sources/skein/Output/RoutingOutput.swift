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
                meanEntropyNats: site.sums.meanEntropy, carrying90: site.sums.carrying(0.9).map { names[$0] })
        }
    }
}

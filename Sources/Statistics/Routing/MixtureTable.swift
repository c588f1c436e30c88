/// `skein stats --site` of a model with mixture layers: one line per layer.
package enum MixtureTable {
    package static func render(_ sums: RoutingSums, pattern: String) -> String {
        let sites = sums.sites(matching: pattern)
        let header = [
            "layer", "tokens", "CV", "max/mean", "entropy", "balance", "z loss", "dropped", "weights/token", "together",
        ]
        let rows = sites.map { row($0.name, $0.sums) }
        let said =
            "model \(sums.model), \(sums.experts.count) experts a layer: how even their load was (CV 0, max/mean 1, entropy 1: "
            + "even), choices that a capacity dropped, pairs chosen together (times as often as by chance)"
        return ([said] + RoutingTable.aligned([header] + rows)).joined(separator: "\n") + "\n"
    }

    private static func row(_ name: String, _ sums: SiteSums) -> [String] {
        let pairs = sums.pairs(most: 2).map { "\($0.first)+\($0.second) \($0.tokens) (x\(number($0.lift)))" }
        return [
            name, "\(sums.rows)", number(sums.coefficientOfVariation), number(sums.maxOverMean),
            number(sums.loadEntropy),
            number(sums.balanceLoss), number(sums.routerZLoss),
            sums.mixture?.droppedShare.map { number($0 * 100) + " %" } ?? "-",
            sums.costPerToken.map { "\(Int($0.rounded()))" } ?? "-",
            pairs.isEmpty ? "-" : pairs.joined(separator: ", "),
        ]
    }

    private static func number(_ value: Double?) -> String { value.map(RoutingTable.hundredths) ?? "-" }
}

/// `skein stats --site`: one line per site, every share of the weights kept after top-k.
package enum RoutingTable {
    /// - Parameters:
    ///   - pattern: of site names.
    ///   - named: an expert whose agreement is shown.
    package static func render(_ sums: RoutingSums, pattern: String, named: String?) -> String {
        let sites = sums.sites(matching: pattern)
        if sites.contains(where: { $0.sums.mixture != nil }) { return MixtureTable.render(sums, pattern: pattern) }
        let expert = named.flatMap { sums.experts.firstIndex(of: $0) }
        var header = ["site", "rows", "null", "entropy", "90 % in", "heaviest experts"]
        if let expert { header.insert("agrees with \(sums.experts[expert])", at: 4) }
        let rows = sites.map { row($0.name, $0.sums, sums.experts, expert) }
        let total = row("all \(sites.count)", sites.reduce(into: SiteSums()) { $0.add($1.sums) }, sums.experts, expert)
        let said =
            "model \(sums.model), experts \(sums.setSHA256.prefix(12)): shares of the weights kept after top-k; "
            + "entropy in nats of the full softmax over experts and null"
        return ([said] + aligned([header] + rows + [total])).joined(separator: "\n") + "\n"
    }

    private static func row(_ name: String, _ sums: SiteSums, _ experts: [String], _ named: Int?) -> [String] {
        let order = experts.indices.sorted { (sums.kept[safe: $1], $0) < (sums.kept[safe: $0], $1) }
        let top = order.prefix(3).filter { sums.kept[safe: $0] > 0 }.map {
            "\(experts[$0]) \(percent(sums.keptShare($0)))"
        }
        var row = [
            name, "\(sums.rows)", percent(sums.nullShare), sums.meanEntropy.map { hundredths($0) } ?? "-",
            "\(sums.carrying(0.9).count)", top.isEmpty ? "-" : top.joined(separator: ", "),
        ]
        if let named { row.insert(percent(sums.rows > 0 ? sums.agreement(named) : nil), at: 4) }
        return row
    }

    private static func percent(_ share: Double?) -> String {
        share.map { "\(Int(($0 * 100).rounded())) %" } ?? "-"
    }

    static func hundredths(_ value: Double) -> String {
        let scaled = Int((value * 100).rounded())
        return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }

    static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index < row.count - 1 { line += String(repeating: " ", count: widths[index] - cell.count + 2) }
            }
            return line
        }
    }
}

extension [Double] {
    /// 0 beyond the end: sums of no site have no experts.
    fileprivate subscript(safe index: Int) -> Double { index < count ? self[index] : 0 }
}

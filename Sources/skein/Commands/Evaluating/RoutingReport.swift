import Charts
import Evaluation
import Inference

/// `skein eval routing --json`.
struct RoutingReport: Encodable {
    struct Method: Encodable {
        let method: String
        let loss: MeanLoss
        /// Minus `phatgoose k=2` on the same documents; absent without it, and for itself.
        let difference: PairedDifference?
        /// Absent for methods without scores.
        let routing: Routing?
    }

    /// Means over all tokens and sites that scores decided for.
    struct Routing: Encodable {
        /// Of the weight kept after top-k, by expert in the order of `expertNames`.
        let shares: [Double]
        /// Of the softmax over all experts, in nats.
        let entropy: Double

        /// Nil where no scores decided.
        init?(_ statistics: RoutingStatistics) {
            let sites = statistics.sites
            let rows = sites.reduce(0) { $0 + $1.rows }
            let full = sites.reduce(0) { $0 + $1.fullRows }
            guard rows > 0, full > 0 else { return nil }
            shares = statistics.experts.indices.map { expert in
                sites.reduce(0) { $0 + $1.kept[expert] } / Double(rows)
            }
            entropy = sites.reduce(0) { $0 + $1.entropy } / Double(full)
        }
    }

    struct TextResult: Encodable {
        let name: String
        let documents, tokens: Int
        let methods: [Method]
    }

    /// Of mixed documents: how the tokens of each source fared.
    struct SegmentResult: Encodable {
        let domain, method: String
        let tokens: Int
        let nllPerToken: Double
    }

    /// After a change of domain inside a document, tokens until that domain's expert leads for three tokens on end.
    struct Lag: Encodable {
        let switches: Int
        /// Switches where it never led within the segment.
        let never: Int
        let medianTokens: Double?
    }

    /// Of mixed documents: nats per token by distance from a change of domain.
    struct AfterSwitch: Encodable {
        let method: String
        let nllPerToken: [Double?]
    }

    let model, modelSHA256, compute, experts: String
    let expertNames: [String]
    let tokensPerDocument: Int
    let reference: String
    let texts: [TextResult]
    let segments: [SegmentResult]
    let lag: Lag?
    let afterSwitch: [AfterSwitch]
    /// Distances that `afterSwitch` begins at.
    let switchDistances: [Int]

    /// Rows are methods, columns text sets; nats per token.
    var table: [String] {
        let names = texts.first?.methods.map(\.method) ?? []
        let head = ["nats per token"] + texts.map(\.name)
        let rows = names.map { name in
            [name] + texts.map { text in text.methods.first { $0.method == name }.map { Self.cell($0) } ?? "-" }
        }
        return TextColumns.aligned([head] + rows)
    }

    /// A star marks a difference from the reference whose interval leaves out 0.
    private static func cell(_ method: Method) -> String {
        let isDifferent = method.difference?.isSignificant ?? false
        return BenchReport.decimals(method.loss.perToken, 3) + (isDifferent ? "*" : "")
    }

    /// Rows are methods, columns distances from a change of domain.
    var switchTable: [String] {
        let head = ["after a change, from token"] + switchDistances.map(String.init)
        return TextColumns.aligned(
            [head]
                + afterSwitch.map { row in
                    [row.method] + row.nllPerToken.map { $0.map { BenchReport.decimals($0, 2) } ?? "-" }
                })
    }

    var picture: SVGDocument {
        let names = texts.first?.methods.map(\.method).filter { $0 != "trunk" } ?? []
        let rows = names.map { name in
            (
                name: name,
                values: texts.map { text -> Double? in
                    guard let own = text.methods.first(where: { $0.method == name }),
                        let trunk = text.methods.first(where: { $0.method == "trunk" })
                    else { return nil }
                    return own.loss.perToken - trunk.loss.perToken
                }
            )
        }
        return HeatMap(
            title: "Nats per token, minus the trunk's", subtitle: "below 0 (blue): better than the trunk alone",
            columns: texts.map(\.name), rows: rows, scale: .diverging(most: 1), decimals: 2
        ).picture
    }
}

import Charts
import Foundation
import Gating
import Tokenization

/// What `skein inspect moe` says.
struct MixtureReport: Encodable {
    struct Pair: Encodable {
        let experts: [Int]
        let tokens: Int
        let lift: Double
    }

    struct Spread: Encodable {
        let groups, tokens: Int
        let deviation, evenDeviation: Double

        init(_ spread: Specialisation.Spread) {
            groups = spread.groups
            tokens = spread.tokens
            deviation = spread.deviation
            evenDeviation = spread.evenDeviation
        }
    }

    struct Token: Encodable {
        let id: Int32
        let text: String
        let tokens: Int
    }

    struct Layer: Encodable {
        let layer: Int
        let rows: [Int]
        let shares, weights: [Double]
        let coefficientOfVariation, maxOverMean, normalisedEntropy, balanceLoss, routerZLoss: Double?
        let together: [Pair]
        /// Of token ids, and of positions: what depends on the token alone, and what on its place.
        let byToken, byPosition: Spread?
        /// By expert.
        let topTokens: [[Token]]
        /// Only with a capacity: dropped choices by rank, and by eighth of the document.
        let dropsByRank, dropsByPosition: [Int]?
        /// Only of a comparison.
        let overlap: Double?
    }

    let model: String
    let tokens: Int
    let seenMoreThan: Int
    let layers: [Layer]

    init(
        _ found: MixtureInspection, model: String, tokenizer: Tokenizer, top: Int, seenMoreThan: Int,
        overlaps: [Double?]?
    ) {
        self.model = model
        self.seenMoreThan = seenMoreThan
        tokens = found.tokens
        layers = found.layers.enumerated().map { index, layer in
            let load = layer.load
            return Layer(
                layer: layer.layer, rows: load.rows, shares: load.shares, weights: load.weights,
                coefficientOfVariation: load.coefficientOfVariation, maxOverMean: load.maxOverMean,
                normalisedEntropy: load.normalisedEntropy, balanceLoss: load.balanceLoss,
                routerZLoss: load.routerZLoss,
                together: load.coActivation(most: top).map {
                    Pair(experts: [$0.first, $0.second], tokens: $0.tokens, lift: $0.lift)
                },
                byToken: layer.byToken.spread(tokensAbove: seenMoreThan).map(Spread.init),
                byPosition: layer.byPosition.spread(tokensAbove: 0).map(Spread.init),
                topTokens: (0..<load.expertCount).map { expert in
                    layer.byToken.top(top, of: expert).map {
                        Token(id: $0.group, text: tokenizer.decode([$0.group]), tokens: $0.tokens)
                    }
                },
                dropsByRank: found.mode == nil ? nil : layer.dropsByRank,
                dropsByPosition: found.mode == nil ? nil : layer.dropsByPosition,
                overlap: overlaps?[index])
        }
    }
}

extension MixtureReport {
    /// Shares of the load, layers down, experts across.
    var picture: SVGDocument {
        let most = layers.flatMap(\.shares).max() ?? 1
        return HeatMap(
            title: "Share of the chosen experts", subtitle: "\(model), \(tokens) tokens; white is 0",
            columns: layers.first?.shares.indices.map { "\($0)" } ?? [],
            rows: layers.map { layer in ("layer \(layer.layer)", layer.shares.map { $0 }) }, scale: .rising(most: most),
            decimals: 2
        ).picture
    }

    var text: [String] {
        var lines = ["\(tokens) tokens"]
        let heads = ["layer", "CV", "max/mean", "entropy", "balance", "z loss", "by token", "even", "by place"]
        lines.append((heads + extraHeads).map(Self.column).joined())
        for layer in layers {
            let numbers = [
                layer.coefficientOfVariation, layer.maxOverMean, layer.normalisedEntropy, layer.balanceLoss,
                layer.routerZLoss, layer.byToken?.deviation, layer.byToken?.evenDeviation, layer.byPosition?.deviation,
            ]
            lines.append(([Self.column("\(layer.layer)")] + (numbers + extra(layer)).map(Self.number)).joined())
        }
        lines.append("")
        for layer in layers {
            let shares = layer.shares.map { String(format: "%.1f", $0 * 100) }.joined(separator: " ")
            let pairs = layer.together.prefix(3).map { pair in
                "\(pair.experts[0])+\(pair.experts[1]) \(pair.tokens) (x\(String(format: "%.2f", pair.lift)))"
            }
            lines.append("layer \(layer.layer): % \(shares); together \(pairs.joined(separator: ", "))")
        }
        lines += [
            "",
            "by token: how far token ids seen more than \(seenMoreThan) times differ from an even spread; even: what chance gives; "
                + "by place: the same of positions. Top tokens of each expert: --json.",
        ]
        return lines
    }

    private var hasDrops: Bool { layers.contains { $0.dropsByRank != nil } }
    private var hasOverlap: Bool { layers.contains { $0.overlap != nil } }
    private var extraHeads: [String] {
        (hasDrops ? ["dropped %", "last 1/8 %"] : []) + (hasOverlap ? ["overlap"] : [])
    }

    private func extra(_ layer: Layer) -> [Double?] {
        var numbers: [Double?] = []
        if let ranks = layer.dropsByRank, let places = layer.dropsByPosition {
            let choices = Double(max(layer.rows.reduce(0, +), 1))
            numbers.append(100 * Double(ranks.reduce(0, +)) / choices)
            numbers.append(100 * Double(places.last ?? 0) / (choices / Double(places.count)))
        }
        return numbers + (hasOverlap ? [layer.overlap] : [])
    }

    private static func column(_ text: String) -> String {
        String(repeating: " ", count: max(1, 11 - text.count)) + text
    }
    private static func number(_ value: Double?) -> String { column(value.map { String(format: "%.4f", $0) } ?? "-") }
}

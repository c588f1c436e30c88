import Charts
import Messaging

/// The tokens of a query, each with the expert that carried most of its weight: the sum of the weights kept after top-k over all
/// linear layers. For terminals and as a picture.
struct RoutedText {
    struct Token: Equatable {
        let text: String
        let isPrompt: Bool
        /// Index into `experts`; nil: none had any weight, or the token was not read (the last one of an answer).
        let expert: Int?
        let share: Float
        let nullShare: Float
    }

    let experts: [String]
    private(set) var tokens: [Token] = []

    /// - Parameter piece: the bytes of a token; nil where no vocabulary is at hand.
    init(_ routed: RoutedTokens, prompt: [Int32], answer: [Int32], piece: (Int32) -> [UInt8]?) {
        experts = routed.experts
        for (position, id) in (prompt + answer).enumerated() {
            let place = position - Int(routed.firstPosition)
            let isKnown = routed.heaviest.indices.contains(place)
            let heaviest = isKnown ? Int(routed.heaviest[place]) : 0
            tokens.append(
                Token(
                    text: piece(id).map { String(decoding: $0, as: UTF8.self) } ?? " \(id)",
                    isPrompt: position < prompt.count, expert: heaviest > 0 ? heaviest - 1 : nil,
                    share: isKnown ? routed.shares[place] : 0, nullShare: isKnown ? routed.nullShares[place] : 0))
        }
    }

    private func shown(_ withPrompt: Bool) -> [Token] { withPrompt ? tokens : tokens.filter { !$0.isPrompt } }

    static let said = "each token by the expert with most of the weight kept after top-k, over all linear layers"

    /// By expert: tokens it weighed most for, and its mean share of their weight.
    func counts(withPrompt: Bool) -> [(expert: Int, tokens: Int, share: Double)] {
        experts.indices.compactMap { expert in
            let own = shown(withPrompt).filter { $0.expert == expert }
            guard !own.isEmpty else { return nil }
            return (expert, own.count, own.reduce(0) { $0 + Double($1.share) } / Double(own.count))
        }
        .sorted { ($1.tokens, $0.expert) < ($0.tokens, $1.expert) }
    }

    // MARK: Terminal

    /// Without colours every change of expert is written out.
    func terminal(withPrompt: Bool, inColour: Bool) -> String {
        var text = Self.said + "\n"
        var last: Int?? = .none
        for token in shown(withPrompt) {
            if inColour {
                text += Self.paint(token.text, token.expert)
            } else {
                if last != .some(token.expert) { text += "[\(token.expert.map { experts[$0] } ?? "none")]" }
                text += token.text
                last = .some(token.expert)
            }
        }
        let legend = counts(withPrompt: withPrompt).map { entry in
            let name = inColour ? Self.paint(" \(experts[entry.expert]) ", entry.expert) : experts[entry.expert]
            return "\(name) \(entry.tokens) (\(Int((entry.share * 100).rounded())) %)"
        }
        return text + "\n" + (legend.isEmpty ? "no expert" : legend.joined(separator: "  "))
    }

    private static func paint(_ text: String, _ expert: Int?) -> String {
        guard let expert else { return text }
        let (ground, ink) = (Palette.colour(expert), Palette.colour(expert).legible)
        let code = "\u{1B}[48;2;\(ground.red);\(ground.green);\(ground.blue);38;2;\(ink.red);\(ink.green);\(ink.blue)m"
        // A line's end outside: some terminals paint the rest of the line.
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : code + $0 + "\u{1B}[0m" }.joined(separator: "\n")
    }

    // MARK: Picture

    private static let lineHeight = 24.0
    private static let advance = 7.8
    private static let widthMax = 900.0

    func picture(withPrompt: Bool) -> SVGDocument {
        let (places, lines) = laidOut(shown(withPrompt))
        let legend = counts(withPrompt: withPrompt)
        let top = 56.0 + Self.lineHeight * Double((legend.count + 3) / 4)
        var picture = SVGDocument(width: Self.widthMax + 32, height: top + Self.lineHeight * Double(lines) + 16)
        picture.text("Experts by token", x: 16, y: 22, size: 15)
        picture.text(Self.said, x: 16, y: 40)
        for (index, entry) in legend.enumerated() {
            let (x, y) = (16 + 225 * Double(index % 4), 52 + Self.lineHeight * Double(index / 4))
            picture.rectangle(x: x, y: y, width: 14, height: 14, fill: Palette.colour(entry.expert))
            picture.text("\(experts[entry.expert]): \(entry.tokens) tokens", x: x + 20, y: y + 11)
        }
        for (token, place) in zip(shown(withPrompt), places) { draw(token, place, top, &picture) }
        return picture
    }

    private func draw(_ token: Token, _ place: (x: Double, line: Int), _ top: Double, _ picture: inout SVGDocument) {
        let colour = token.expert.map { Palette.colour($0) } ?? .paper
        let ground = Colour.paper.mixed(with: colour, share: token.isPrompt ? 0.45 : 1)
        let y = top + Self.lineHeight * Double(place.line)
        let name = token.expert.map { experts[$0] } ?? "no expert"
        picture.rectangle(
            x: place.x, y: y, width: Self.width(token), height: Self.lineHeight - 4, fill: ground,
            hint: "\(name) \(Int((token.share * 100).rounded())) %, null \(Int((token.nullShare * 100).rounded())) %")
        picture.text(Self.glyphs(token), x: place.x + 2, y: y + 14, size: 12, fill: ground.legible)
    }

    private static func glyphs(_ token: Token) -> String {
        let text = String(token.text.map { $0 == "\n" ? "\u{21B5}" : $0 == " " ? "\u{00A0}" : $0 })
        return text.count > 80 ? text.prefix(79) + "…" : text
    }

    private static func width(_ token: Token) -> Double { 4 + advance * Double(max(1, glyphs(token).count)) }

    /// Left to right, a new line where the text has one or the width is used up.
    private func laidOut(_ tokens: [Token]) -> (places: [(x: Double, line: Int)], lines: Int) {
        var places: [(x: Double, line: Int)] = []
        var (x, line) = (16.0, 0)
        for token in tokens {
            let width = Self.width(token)
            if x + width > Self.widthMax + 16 { (x, line) = (16, line + 1) }
            places.append((x, line))
            x += width + 1
            if token.text.contains("\n") { (x, line) = (16, line + 1) }
        }
        return (places, line + 1)
    }
}

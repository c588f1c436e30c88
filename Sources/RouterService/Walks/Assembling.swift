import Routing

/// One text of several nodes' answers.
package enum Assembling {
    /// - Parameter texts: in the order of the nodes' shares.
    package static func text(_ texts: [String], _ how: Reassembly) -> String {
        switch how {
        case .first: texts.first ?? ""
        case .concatenate: texts.joined(separator: "\n\n")
        case .vote: winner(texts)
        }
    }

    /// Blanks at the ends and the case of letters do not divide voters.
    private static func winner(_ texts: [String]) -> String {
        var ballots: [String: (count: Int, first: Int)] = [:]
        for (index, text) in texts.enumerated() {
            let words = text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
            ballots[words, default: (0, index)].count += 1
        }
        let best = ballots.values.min { (-$0.count, $0.first) < (-$1.count, $1.first) }
        return best.map { texts[$0.first] } ?? ""
    }
}

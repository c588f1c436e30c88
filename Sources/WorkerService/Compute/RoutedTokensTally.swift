import Digest
import Inference
import Messaging

/// Gathers what the tokens of one sequence chose, site by site, into one heaviest expert per token. Bounded: one row of sums per
/// token that is told, whatever the number of sites.
struct RoutedTokensTally {
    private let members: ExpertSet
    private let route: RouteOptions
    /// [position][expert ... , null, common]
    private var sums: [Float] = []
    private var firstPosition = 0

    private var width: Int { members.experts.count + 2 }

    init(_ set: ExpertSet, route: RouteOptions) {
        members = set
        self.route = route
    }

    /// - Parameter choices: positions of which none is far beyond those before.
    mutating func add(_ choices: [TracedChoice]) {
        for choice in choices {
            let position = Int(choice.position)
            guard position >= firstPosition else { continue }
            makeRoom(for: position)
            let start = (position - firstPosition) * width
            for (expert, weight) in zip(choice.experts, choice.weights) { sums[start + Int(expert)] += weight }
            sums[start + width - 2] += choice.nullWeight
            sums[start + width - 1] += choice.commonWeight
        }
    }

    /// Drops the oldest half where the bound is reached.
    private mutating func makeRoom(for position: Int) {
        let count = position - firstPosition + 1
        if count > WireLimits.routedTokensMax {
            let dropped = max(count - WireLimits.routedTokensMax, WireLimits.routedTokensMax / 2)
            sums.removeFirst(min(dropped * width, sums.count))
            firstPosition += dropped
        }
        let needed = (position - firstPosition + 1) * width
        if sums.count < needed { sums += Array(repeating: 0, count: needed - sums.count) }
    }

    /// Per token the expert with the most kept weight over all sites, its share and the null expert's.
    var wire: RoutedTokens {
        var tokens = RoutedTokens(
            experts: members.names, expertsSHA256: members.experts.map(\.hash), setSHA256: members.version.hex,
            route: route,
            firstPosition: UInt32(clamping: firstPosition))
        for start in stride(from: 0, to: sums.count, by: width) {
            let row = sums[start..<start + width]
            let total = row.reduce(0, +)
            var best = -1
            for expert in 0..<members.experts.count where row[start + expert] > (best < 0 ? 0 : row[start + best]) {
                best = expert
            }
            tokens.heaviest.append(UInt32(best + 1))
            tokens.shares.append(best < 0 || !(total > 0) ? 0 : row[start + best] / total)
            tokens.nullShares.append(total > 0 ? row[start + width - 2] / total : 0)
        }
        return tokens
    }
}

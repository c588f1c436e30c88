import Digest
import Gating
import PortableMath

/// Sums for `RoutingStatistics`, one table per live set.
struct RoutingTally {
    private var tables: [Table] = []
    private var probabilities: [Float] = []

    /// Rows whose full softmax is computed: positions that are a multiple of this, so that many experts cost as little as few.
    static func fullInterval(experts: Int) -> Int32 { Int32((experts + 15) / 16) }

    /// Where the decisions at one site are counted, until `take`.
    mutating func place(_ set: ExpertSet, group: Int, linear: Int) -> TallyPlace {
        let table = table(of: set)
        return TallyPlace(table: table, start: (group * Table.linearsMax + linear) * tables[table].width)
    }

    mutating func add(
        _ plan: RoutePlan, _ place: TallyPlace, _ origin: RowOrigin, nullScore: Float, scores: Span<Float>,
        experts: Span<Int32>, weights: Span<Float>, _ kept: Kept
    ) {
        let start = place.start
        var sums = tables[place.table].sums.mutableSpan
        sums[start] += 1
        sums[start + 1] += Double(kept.nullWeight)
        sums[start + 2] += Double(kept.commonWeight)
        if kept.count == 0 { sums[start + 3] += 1 }
        let first = start + Table.header
        let chosen = first + 2 * plan.expertCount
        var heaviest = 0
        for index in 0..<kept.count {
            sums[first + Int(experts[index])] += Double(weights[index])
            sums[chosen + Int(experts[index])] += 1
            if weights[index] > weights[heaviest] { heaviest = index }
        }
        if kept.count > 0 { sums[chosen + plan.expertCount + Int(experts[heaviest])] += 1 }
        guard origin.position % Self.fullInterval(experts: plan.expertCount) == 0 else { return }
        addFull(plan, nullScore, scores, place)
    }

    private mutating func addFull(_ plan: RoutePlan, _ nullScore: Float, _ scores: Span<Float>, _ place: TallyPlace) {
        let count = plan.expertCount
        if probabilities.count < count { probabilities = Array(repeating: 0, count: count) }
        let full = Self.distribution(plan, nullScore, scores, &probabilities)
        let start = place.start, bin = tables[place.table].bin(full.entropy)
        let first = start + Table.header + count
        for index in 0..<count { tables[place.table].sums[first + index] += Double(probabilities[index]) }
        tables[place.table].sums[start + 4] += 1
        tables[place.table].sums[start + 5] += Double(full.nullProbability)
        tables[place.table].sums[start + 6] += Double(full.entropy)
        tables[place.table].sums[start + 7 + bin] += 1
    }

    private static func distribution(
        _ plan: RoutePlan, _ nullScore: Float, _ scores: Span<Float>, _ probabilities: inout [Float]
    ) -> RouteStatistics {
        var shares = probabilities.mutableSpan
        return plan.distribution(scores: scores, nullScore: nullScore, into: &shares)
    }

    private mutating func table(of set: ExpertSet) -> Int {
        if let index = tables.firstIndex(where: { $0.set === set }) { return index }
        if tables.count == RoutedExpertBank.liveVersionsMax { tables.removeFirst() }
        tables.append(Table(set))
        return tables.count - 1
    }

    /// Adds another's sums of one set, which begin anew there.
    mutating func take(_ set: ExpertSet, from other: inout RoutingTally) {
        guard let source = other.tables.firstIndex(where: { $0.set === set }) else { return }
        let sums = other.tables.remove(at: source).sums
        let table = table(of: set)
        for index in sums.indices { tables[table].sums[index] += sums[index] }
    }

    /// The sums of one set since the last call.
    mutating func take(_ set: ExpertSet) -> RoutingStatistics {
        let index = table(of: set)
        defer { tables[index] = Table(set) }
        return tables[index].statistics
    }
}

/// Where one site's sums are.
struct TallyPlace {
    fileprivate let table: Int
    fileprivate let start: Int
}

/// [group][linear][header + kept, full, chosen and heaviest by expert]
private struct Table {
    /// rows, null, common, empty rows; full rows, null, entropy; rows by entropy.
    static let header = 7 + RoutingStatistics.entropyBins
    /// q, k and v are the most linears of a group.
    static let linearsMax = 3

    let set: ExpertSet
    let width: Int
    /// Of the even distribution over experts and null, nats.
    let entropyMax: Float
    var sums: [Double]

    init(_ set: ExpertSet) {
        self.set = set
        width = Self.header + 4 * set.experts.count
        entropyMax = Float(Elementary.logarithm(Double(set.experts.count + 1)))
        sums = Array(repeating: 0, count: set.groups.count * Self.linearsMax * width)
    }

    func bin(_ entropy: Float) -> Int {
        let bins = RoutingStatistics.entropyBins
        return max(0, min(bins - 1, Int(entropy / entropyMax * Float(bins))))
    }

    var statistics: RoutingStatistics {
        let count = set.experts.count
        var sites: [RoutingStatistics.Site] = []
        for start in stride(from: 0, to: sums.count, by: width) where sums[start] > 0 {
            let kept = start + Self.header
            let place = start / width
            var site = RoutingStatistics.Site(
                group: place / Self.linearsMax, linear: place % Self.linearsMax,
                kept: Array(sums[kept..<kept + count]), full: Array(sums[kept + count..<kept + 2 * count]),
                chosen: sums[kept + 2 * count..<kept + 3 * count].map { Int($0) },
                heaviest: sums[kept + 3 * count..<kept + 4 * count].map { Int($0) },
                entropies: sums[start + 7..<start + Self.header].map { Int($0) })
            site.rows = Int(sums[start])
            (site.keptNull, site.keptCommon, site.emptyRows) = (sums[start + 1], sums[start + 2], Int(sums[start + 3]))
            (site.fullRows, site.fullNull, site.entropy) = (Int(sums[start + 4]), sums[start + 5], sums[start + 6])
            sites.append(site)
        }
        return RoutingStatistics(experts: set.names, version: set.version.hex, sites: sites)
    }
}

import Digest
import Gating
import PortableMath

/// Sums for `RoutingStatistics`, one table per live set.
struct RoutingTally {
    private var tables: [Table] = []
    private var probabilities: [Float] = []

    /// Rows whose full softmax is computed: positions that are a multiple of this, so that many experts cost as little as few.
    static func fullInterval(experts: Int) -> Int32 { Int32((experts + 15) / 16) }

    mutating func add(
        _ plan: RoutePlan, _ place: DecisionPlace, _ origin: RowOrigin, nullScore: Float, scores: Span<Float>,
        experts: Span<Int32>,
        weights: Span<Float>, _ kept: Kept
    ) {
        let table = table(of: place.routing.set)
        let start = tables[table].start(place)
        tables[table].sums[start] += 1
        tables[table].sums[start + 1] += Double(kept.nullWeight)
        tables[table].sums[start + 2] += Double(kept.commonWeight)
        if kept.count == 0 { tables[table].sums[start + 3] += 1 }
        let first = start + Table.header
        let chosen = first + 2 * plan.expertCount
        var heaviest = 0
        for index in 0..<kept.count {
            tables[table].sums[first + Int(experts[index])] += Double(weights[index])
            tables[table].sums[chosen + Int(experts[index])] += 1
            if weights[index] > weights[heaviest] { heaviest = index }
        }
        if kept.count > 0 { tables[table].sums[chosen + plan.expertCount + Int(experts[heaviest])] += 1 }
        guard origin.position % Self.fullInterval(experts: plan.expertCount) == 0 else { return }
        addFull(plan, nullScore, scores, table, start)
    }

    private mutating func addFull(
        _ plan: RoutePlan, _ nullScore: Float, _ scores: Span<Float>, _ table: Int, _ start: Int
    ) {
        let count = plan.expertCount
        // Taken out of self, so that a span of it can be lent while self is changed.
        var probabilities: [Float] = []
        swap(&probabilities, &self.probabilities)
        defer { swap(&probabilities, &self.probabilities) }
        if probabilities.count < count { probabilities = Array(repeating: 0, count: count) }
        var shares = probabilities.mutableSpan
        let full = plan.distribution(scores: scores, nullScore: nullScore, into: &shares)
        tables[table].sums[start + 4] += 1
        tables[table].sums[start + 5] += Double(full.nullProbability)
        tables[table].sums[start + 6] += Double(full.entropy)
        tables[table].sums[start + 7 + tables[table].bin(full.entropy)] += 1
        let first = start + Table.header + count
        for index in 0..<count { tables[table].sums[first + index] += Double(shares[index]) }
    }

    @inline(__always)
    private mutating func table(of set: ExpertSet) -> Int {
        if let index = tables.firstIndex(where: { $0.set === set }) { return index }
        if tables.count == RoutedExpertBank.liveVersionsMax { tables.removeFirst() }
        tables.append(Table(set))
        return tables.count - 1
    }

    /// The sums of one set since the last call.
    mutating func take(_ set: ExpertSet) -> RoutingStatistics {
        let index = table(of: set)
        defer { tables[index] = Table(set) }
        return tables[index].statistics
    }
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

    func start(_ place: DecisionPlace) -> Int {
        (place.routing.group.index * Self.linearsMax + place.linear) * width
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

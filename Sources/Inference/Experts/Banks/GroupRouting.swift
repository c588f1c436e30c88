import Kernels

/// Which rows of a batch go through which experts at one site group: the items (linear, expert, row), in ascending order.
///
/// Items of one (linear, expert) are a pair; what a source returns for a pair is one block, [count, outputs of the linear], rows
/// in the order of the items. Reused from group to group, so that a step allocates nothing.
package final class GroupRouting {
    package struct Pair: Sendable, Equatable {
        /// Index into `group.linears`.
        package let linear: Int
        /// The expert id: index into `set.experts`.
        package let expert: Int
        /// Its items are first ..< first + count.
        package let first: Int
        package let count: Int
    }

    /// The set whose ids `pairs` hold.
    package private(set) var set: ExpertSet
    package private(set) var group: SiteGroup
    /// Ascending by (linear, expert).
    package private(set) var pairs: [Pair] = []
    /// By item: the batch row, ascending in a pair.
    package private(set) var rows: [Int32] = []
    /// By item: what the trunk multiplies the result with.
    package var weights: [Float] = []
    private var pairFirst = 0

    init(set: ExpertSet, group: SiteGroup) {
        self.set = set
        self.group = group
    }

    package var isEmpty: Bool { pairs.isEmpty }
}

extension GroupRouting {
    func removeAll(set: ExpertSet, group: SiteGroup) {
        self.set = set
        self.group = group
        pairs.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
    }

    /// Begins a pair; its items follow. Pairs come in ascending order.
    @inline(__always)
    func beginPair(linear: Int, expert: Int) { pairFirst = rows.count }

    @inline(__always)
    func appendItem(row: Int32, weight: Float) {
        rows.append(row)
        weights.append(weight)
    }

    @inline(__always)
    func endPair(linear: Int, expert: Int) {
        pairs.append(Pair(linear: linear, expert: expert, first: pairFirst, count: rows.count - pairFirst))
    }
}

extension GroupRouting {
    /// The expert and its site, for messages.
    package func name(of pair: Pair) -> String {
        let expert = pair.expert < set.experts.count ? set.experts[pair.expert].name : "common"
        return "expert \(expert) at \(group.linears[pair.linear].site)"
    }

    /// What computes a pair in this process; nil where nothing does.
    ///
    /// - Parameter cached: by expert id; empty where there is no cache.
    package func packed(_ pair: Pair, _ cached: [CachedExpert?]) -> PackedPair? {
        if let packed = set.pair(group: group.index, linear: pair.linear, expert: pair.expert) { return packed }
        guard pair.expert < cached.count else { return nil }
        return cached[pair.expert]?.pair(group: group.index, linear: pair.linear)
    }
}

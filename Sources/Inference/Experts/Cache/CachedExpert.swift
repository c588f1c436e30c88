import Kernels
import Weights

/// The pairs of one expert, packed, for the sites of one trunk: what a cache holds beside it. Immutable.
package final class CachedExpert: Sendable {
    package let name: String
    /// Of its content, as in `ExpertSet.Member`.
    package let hash: String
    /// Bytes of packed pairs in memory.
    package let bytes: Int
    /// [group][linear]; nil where it has none.
    private let pairs: [[PackedPair?]]

    /// Packs on the calling thread alone, so that an engine's team goes on meanwhile.
    package init(_ source: ExpertSource, groups: [SiteGroup]) throws(ExpertSetError) {
        var pairs: [[PackedPair?]] = []
        for group in groups {
            pairs.append(
                try group.linears.map { linear throws(ExpertSetError) in
                    guard let pair = source.adapter.pair(at: linear.site) else { return nil }
                    return try pair.packed(of: source.name)
                })
        }
        name = source.name
        hash = source.hash
        self.pairs = pairs
        bytes = pairs.joined().reduce(0) { $0 + ($1?.bytes ?? 0) }
    }

    package func pair(group: Int, linear: Int) -> PackedPair? { pairs[group][linear] }
}

import Messaging
import Routing
import Tokenization
import Topology

/// The queries on their way through the graph: what the core does not carry of them, until they end.
struct WalkBook {
    struct Entry {
        let prompt: Prompt
        /// Nothing matched yet.
        let stops: StopMatcher
        var rewrite: RewriteNote?
    }

    /// By query; branches have a rewrite of their own, and all else from their query.
    private var entries: [QueryKey: Entry] = [:]
    private var rewrites: [QueryKey: [UInt8: RewriteNote]] = [:]

    subscript(key: QueryKey) -> Entry? {
        guard var entry = entries[key.root] else { return nil }
        entry.rewrite = rewrites[key.root]?[key.branch]
        return entry
    }

    mutating func remember(_ key: QueryKey, _ entry: Entry) { entries[key] = entry }

    mutating func note(_ rewrite: RewriteNote, of key: QueryKey) {
        guard entries[key.root] != nil else { return }
        rewrites[key.root, default: [:]][key.branch] = rewrite
    }

    /// A branch has become its query.
    mutating func adopt(_ key: QueryKey, from branch: QueryKey) {
        let note = rewrites[key]?[branch.branch]
        rewrites[key]?[key.branch] = note
    }

    mutating func forget(_ key: QueryKey) {
        rewrites[key.root]?[key.branch] = nil
        guard !key.isBranch else { return }
        entries[key] = nil
        rewrites[key] = nil
    }
}

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

    private var entries: [QueryKey: Entry] = [:]

    subscript(key: QueryKey) -> Entry? {
        get { entries[key] }
        set { entries[key] = newValue }
    }
}

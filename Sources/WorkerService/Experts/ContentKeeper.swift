import ExpertStore
import Messaging
import Synchronization

/// Cleans the store of contents of a worker that shares no folder with the router. Where they share one, the router does.
final class ContentKeeper: Sendable {
    private let store: ContentStore
    /// By model and part (the trunk's or a holder's): the hashes in its last arrangement.
    private let needed = Mutex<[String: Set<String>]>([:])

    init(_ store: ContentStore) { self.store = store }

    /// After an arrangement was carried out.
    func keep(_ arrangement: ArrangeExperts) {
        let part = "\(arrangement.trunk ? "trunk" : "holder") of \(arrangement.model)"
        let kept = needed.withLock { needed in
            needed[part] = Set(arrangement.published.map(\.sha256))
            return needed.values.reduce(into: Set()) { $0.formUnion($1) }
        }
        store.clean(keeping: kept)
    }
}

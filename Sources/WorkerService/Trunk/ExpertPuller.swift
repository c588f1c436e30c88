import Digest
import ExpertStore
import Inference
import Synchronization
import Threading
import Weights

/// Reads experts from the trunk's store for the cache beside it, on a thread of its own: verified against their manifests, packed, and
/// only then shown to the compute thread, which takes them in between two steps.
final class ExpertPuller: ExpertPulling {
    private let requests: Mailbox<ExpertSet.Member>
    private let wake: Wake
    private let shared: Shared
    private let thread: NamedThread

    private final class Shared: Sendable {
        let stopping = Atomic<Bool>(false)
        let pulled = Mutex<PulledExpert?>(nil)
    }

    /// - Parameter groups: the trunk's.
    init(store: String, trunk: SHA256Digest, groups: [SiteGroup]) throws(ThreadingError) {
        let wake = try Wake(), shared = Shared()
        let requests = Mailbox<ExpertSet.Member>(capacity: 1, wake: wake)
        let shelf = StoreShelf(store: store, trunk: trunk, groups: groups)
        self.wake = wake
        self.shared = shared
        self.requests = requests
        thread = try NamedThread(name: "experts' cache") {
            while !shared.stopping.load(ordering: .acquiring) {
                for member in requests.drain() {
                    let result = Result { () throws(ExpertSetError) in try shelf.read(member) }
                    shared.pulled.withLock { $0 = PulledExpert(hash: member.hash, result: result) }
                }
                _ = wake.wait(milliseconds: -1)
            }
        }
    }

    deinit {
        shared.stopping.store(true, ordering: .releasing)
        wake.signal()
        thread.join()
    }

    func pull(_ member: ExpertSet.Member) { precondition(requests.push(member), "two experts are pulled at once") }

    func take() -> PulledExpert? {
        shared.pulled.withLock { pulled in
            defer { pulled = nil }
            return pulled
        }
    }
}

private struct StoreShelf: Sendable {
    let store: String
    let trunk: SHA256Digest
    let groups: [SiteGroup]

    func read(_ member: ExpertSet.Member) throws(ExpertSetError) -> CachedExpert {
        let adapter: AdapterFolder
        let hash: String
        do throws(ExpertStoreError) {
            let stored = try StoredExpert(folder: "\(store)/\(member.name)")
            try stored.check(trunkHash: trunk)
            adapter = try stored.verify()
            hash = stored.manifest.contentHash.hex
        } catch {
            throw ExpertSetError("expert \(member.name): \(error)")
        }
        guard hash == member.hash else {
            throw ExpertSetError(
                "expert \(member.name): \(store) has another version than the one that tokens are routed to; restore it"
            )
        }
        return try CachedExpert(
            ExpertSource(name: member.name, hash: member.hash, adapter: adapter), groups: groups)
    }
}

import Messaging
import Synchronization

/// Who holds which experts, as the router last said: the control loop writes, the compute thread looks between two waits.
final class HolderBoard: Sendable {
    private let latest = Mutex(Membership())
    private let updates = Atomic<UInt64>(0)

    func show(_ membership: Membership) {
        latest.withLock { $0 = membership }
        updates.add(1, ordering: .releasing)
    }

    /// What is new; nil while nothing is. `seen` belongs to the reader.
    func news(since seen: inout UInt64) -> Membership? {
        let updates = updates.load(ordering: .acquiring)
        guard updates != seen else { return nil }
        seen = updates
        return latest.withLock { $0 }
    }
}

import Synchronization

/// Carries a value that belongs to one thread over to another, once. The giver must keep nothing of it.
package final class Handover<Value>: @unchecked Sendable {
    // Starting a thread orders everything before it; the lock makes a second take impossible.
    private let taken = Mutex(false)
    private var value: Value?

    package init(_ value: Value) { self.value = value }

    package func take() -> Value {
        let first = taken.withLock { taken in
            defer { taken = true }
            return !taken
        }
        guard first, let value else { preconditionFailure("a value was handed over twice") }
        self.value = nil
        return value
    }
}

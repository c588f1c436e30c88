import Synchronization

/// A bounded queue from many threads to one. A full mailbox refuses at once: who posts decides what that means.
package final class Mailbox<Element: Sendable>: Sendable {
    package let capacity: Int
    private let wake: Wake?
    private let state = Mutex(State())

    private struct State {
        var elements: [Element] = []
        var closed = false
    }

    /// `wake` is signalled when the first element arrives in an empty mailbox.
    package init(capacity: Int, wake: Wake? = nil) {
        precondition(capacity > 0, "a mailbox of \(capacity) elements")
        self.capacity = capacity
        self.wake = wake
    }

    /// Returns false, and keeps nothing, when the mailbox is full or closed.
    package func push(_ element: Element) -> Bool {
        let (taken, first) = state.withLock { state in
            guard !state.closed, state.elements.count < capacity else { return (false, false) }
            state.elements.append(element)
            return (true, state.elements.count == 1)
        }
        if first { wake?.signal() }
        return taken
    }

    /// Everything that has arrived, in the order of arrival.
    package func drain() -> [Element] {
        state.withLock { state in
            var drained: [Element] = []
            swap(&drained, &state.elements)
            return drained
        }
    }

    /// Refuses every later push. What is inside can still be drained.
    package func close() { state.withLock { $0.closed = true } }

    package var isClosed: Bool { state.withLock { $0.closed } }

    package var count: Int { state.withLock { $0.elements.count } }
}

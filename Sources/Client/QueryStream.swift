import Messaging

/// A query's events. Letting go of the stream, or cancelling the task that reads it, cancels the query.
package final class QueryStream: AsyncSequence, Sendable {
    package typealias Element = ClientEvent
    package typealias Failure = Never

    package let id: QueryID
    private let slot: EventSlot
    private let cancelQuery: @Sendable () -> Void

    init(id: QueryID, slot: EventSlot, cancel: @escaping @Sendable () -> Void) {
        self.id = id
        self.slot = slot
        cancelQuery = cancel
    }

    package func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: QueryStream

        package mutating func next() async -> ClientEvent? { await next(isolation: nil) }

        package mutating func next(isolation actor: isolated (any Actor)?) async -> ClientEvent? {
            let event = await stream.slot.next()
            if event == nil, Task.isCancelled { stream.cancelQuery() }
            return event
        }
    }

    deinit {
        guard !slot.isOver else { return }
        slot.abandon()
        cancelQuery()
    }
}

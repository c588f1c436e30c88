import Messaging

/// A query's events. Letting go of the stream, or cancelling the task that reads it, cancels the query.
package final class QueryStream: AsyncSequence, Sendable {
    package typealias Element = ClientEvent
    package typealias Failure = Never

    package let id: QueryID
    private let slot: EventSlot
    private let client: RouterClient

    init(id: QueryID, slot: EventSlot, client: RouterClient) {
        self.id = id
        self.slot = slot
        self.client = client
    }

    package func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: QueryStream

        package mutating func next() async -> ClientEvent? { await next(isolation: nil) }

        package mutating func next(isolation actor: isolated (any Actor)?) async -> ClientEvent? {
            let event = await stream.slot.next()
            if event == nil, Task.isCancelled { stream.client.cancel(stream.id) }
            return event
        }
    }

    deinit {
        guard !slot.isOver else { return }
        slot.abandon()
        client.cancel(id)
    }
}

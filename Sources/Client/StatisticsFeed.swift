import Messaging
import Threading

/// The router's statistics as they are published, once a second. A gap in `sequence` is a lost event, a new
/// `routerEpoch` a restarted router.
package final class StatisticsFeed: Sendable {
    /// Of events that wait to be read; the oldest go first.
    package static let eventsMax = 16

    package let events: AsyncStream<StatisticsEvent>
    private let loop: MessageLoop<Handler>

    package init(_ endpoint: Endpoint, security: ConnectorSecurity = .none) throws {
        let socket = try Socket(ZeroMQContext(), .sub)
        try socket.subscribe(StatisticsEvent.topic)
        try socket.connect(endpoint, security: security)
        let (events, sink) = AsyncStream.makeStream(
            of: StatisticsEvent.self, bufferingPolicy: .bufferingNewest(Self.eventsMax))
        self.events = events
        loop = try MessageLoop(name: "statistics", sockets: [socket]) { _ in Handler(sink: sink) }
    }

    package func close() {
        loop.stop()
        loop.join()
    }

    deinit { loop.stop() }

    private struct Handler: LoopHandler {
        let sink: AsyncStream<StatisticsEvent>.Continuation

        mutating func received(_ message: Received, on socket: Int) {
            guard let envelope = try? Envelope(frames: Array(message.frames.dropFirst())),
                case .statisticsEvent(let event) = envelope.message
            else { return }
            sink.yield(event)
        }

        mutating func received(oversize: Oversize, on socket: Int) {}
        mutating func posted(_ value: Never) {}
        mutating func turn(nowMicroseconds: UInt64) -> UInt64? { nil }
        mutating func ended(_ fault: SocketError?) { sink.finish() }
    }
}

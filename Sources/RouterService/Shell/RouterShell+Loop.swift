import Endpoints
import Logging
import Messaging
import Routing
import Threading

/// What other threads tell the loop.
enum RouterPosted: Sendable {
    case event(Event)
    /// From a server outside the cluster, by ticket.
    case heard(UInt64, EndpointEvent)
    /// An answer that was made elsewhere.
    case reply(Messaging.Message, ClientConnection)
    /// What a worker asked for.
    case content(Envelope, WorkerConnection)
    /// The content of what an operator publishes is in a folder of this machine, or is not.
    case uploaded(Messaging.QueryID, Result<String, Messaging.Failure>)
    /// The edited topology file has been read for this operator.
    case edited(Messaging.QueryID, ClientConnection, Result<EditedGraph, RefusedGraph>)
}

extension RouterShell: LoopHandler {
    func received(_ message: Received, on socket: Int) {
        switch RouterDoor(index: socket) {
        case .front: receiveFront(message)
        case .control: receiveControl(message)
        case .controlMonitor:
            if case .disconnected(let descriptor) = ConnectionEvent(message) { connectionBroke(descriptor: descriptor) }
        case .statistics: break
        }
    }

    func received(oversize: Oversize, on socket: Int) {
        switch RouterDoor(index: socket) {
        case .front: refuseOversize(oversize)
        case .control: dropOversize(oversize)
        case .controlMonitor, .statistics: break
        }
    }

    func posted(_ value: RouterPosted) {
        switch value {
        case .event(let event):
            noteRewrite(event)
            handle(event)
        case .heard(let ticket, let event): heard(ticket, event)
        case .reply(let message, let connection): answer(message, to: connection)
        case .content(let envelope, let connection): send(envelope, to: connection)
        case .uploaded(let id, let result): uploaded(id, result)
        case .edited(let id, let client, let result): edited(id, client, result)
        }
    }

    func turn(nowMicroseconds: UInt64) -> UInt64? {
        if let deadline = machine.nextDeadline, deadline <= Self.now { handle(.tick) }
        if let event = statistics.due(nowMicroseconds: nowMicroseconds) {
            let topic = Array(StatisticsEvent.topic.utf8)
            // A subscriber that does not read loses messages; the sequence number tells it.
            _ = port.send([topic] + Envelope(.statisticsEvent(event)).frames(), on: RouterDoor.statistics.index)
        }
        placeStandIns()
        retryReplies(nowMicroseconds: nowMicroseconds)
        endChangeOfTheLost()
        let change = endOverdueChange(nowMicroseconds: nowMicroseconds)
        return [machine.nextDeadline?.microseconds, replies.nextMicroseconds, change].compactMap(\.self)
            .reduce(statistics.nextMicroseconds, min)
    }

    func drain(nowMicroseconds: UInt64) -> Bool {
        beginDraining()
        return machine.isDrained
    }

    func ended(_ fault: SocketError?) {
        if let fault { log.error("the router's loop ended: \(fault)") }
        statistics.finish()
    }
}

import Kernels
import Logging
import Messaging
import Synchronization
import Threading

/// Owns the data socket and computes what trunks dispatch, on one named thread: no queue between the wire and the arithmetic.
final class ExpertThread: Sendable {
    private let wake: Wake
    private let shared: Shared
    private let thread: NamedThread

    private final class Shared: Sendable {
        let stopping = Atomic<Bool>(false)
        let answered = Atomic<UInt64>(0)
    }

    /// Grows with every message answered.
    var progress: UInt64 { shared.answered.load(ordering: .relaxed) }

    init(
        _ socket: Handover<any MessageSocket>, profile: WorkerProfile, work: HostedWork, team: ComputeTeam, log: Logger
    ) throws(ThreadingError) {
        let wake = try Wake(), shared = Shared()
        self.wake = wake
        self.shared = shared
        thread = try NamedThread(name: "experts") {
            TimeSlice.short.give()
            let desk = ExpertDesk(profile: profile, work: work, team: team)
            var loop = ExpertLoop(socket: socket.take(), desk: desk, wake: wake)
            do throws(SocketError) {
                while !shared.stopping.load(ordering: .acquiring) {
                    shared.answered.add(try loop.turn(), ordering: .relaxed)
                }
            } catch {
                log.error("the data socket failed: \(error)")
            }
        }
    }

    /// Ends after the dispatch in hand.
    func stop() {
        shared.stopping.store(true, ordering: .releasing)
        wake.signal()
        thread.join()
    }
}

private struct ExpertLoop {
    let socket: any MessageSocket
    let desk: ExpertDesk
    var poller: Poller

    init(socket: any MessageSocket, desk: ExpertDesk, wake: Wake) {
        self.socket = socket
        self.desk = desk
        poller = Poller([socket], wake: wake)
    }

    /// Waits for messages and answers them; returns how many.
    mutating func turn() throws(SocketError) -> UInt64 {
        _ = try poller.wait(milliseconds: -1)
        var answered: UInt64 = 0
        while try answerNext() { answered += 1 }
        return answered
    }

    private func answerNext() throws(SocketError) -> Bool {
        let reply: Envelope
        let connection: [UInt8]
        switch try socket.receive(limits: ExpertDoor.limits) {
        case .nothing: return false
        case .message(let message): (connection, reply) = (message.routingID, desk.answer(message))
        case .oversize(let oversize): (connection, reply) = (oversize.routingID, desk.refusal(of: oversize))
        }
        // A trunk that has gone, or does not read, goes without: it asks again, or somebody else.
        _ = try socket.send(reply.frames(), to: connection)
        return true
    }
}

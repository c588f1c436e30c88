import Synchronization
import Threading

/// One named thread that owns its sockets, waits on all of them at once and calls a handler.
///
/// Other threads reach it by `post`, never by the sockets. `stop` lets the handler finish what is pending, within a
/// bound; then the sockets are closed and, with the context's end, what they hold is sent.
package final class MessageLoop<Handler: LoopHandler>: Sendable {
    private let shared: LoopShared<Handler.Posted>
    private let thread: NamedThread

    /// The loop takes the sockets over: the caller must not touch them any more. The handler is made on the thread.
    package init(
        name: String, sockets: [Socket], limits: LoopLimits = LoopLimits(),
        handler make: @escaping @Sendable (LoopPort) -> Handler
    ) throws(ThreadingError) {
        let shared = try LoopShared<Handler.Posted>(limits: limits)
        let port = Handover(LoopPort(sockets))
        self.shared = shared
        thread = try NamedThread(name: name) {
            let port = port.take()
            var run = LoopRun(port: port, handler: make(port), shared: shared)
            run.untilStopped()
        }
    }

    /// Hands a value to the handler. False: the loop has stopped, or has too much to do (`postedMax`).
    package func post(_ value: Handler.Posted) -> Bool { shared.mailbox.push(value) }

    /// Whether `post` will never succeed again.
    package var hasEnded: Bool { shared.mailbox.isClosed }

    /// Asks the loop to drain and end; returns at once.
    package func stop() {
        shared.stopping.store(true, ordering: .releasing)
        shared.wake.signal()
    }

    /// Waits for the end. Returns why the loop ended, where that was not `stop`.
    @discardableResult
    package func join() -> SocketError? {
        thread.join()
        return shared.fault.withLock { $0 }
    }

    deinit { stop() }
}

/// What the loop's thread and the others both see.
private final class LoopShared<Posted: Sendable>: Sendable {
    let limits: LoopLimits
    let wake: Wake
    let mailbox: Mailbox<Posted>
    let stopping = Atomic<Bool>(false)
    let fault = Mutex<SocketError?>(nil)

    init(limits: LoopLimits) throws(ThreadingError) {
        self.limits = limits
        wake = try Wake()
        mailbox = Mailbox(capacity: limits.postedMax, wake: wake)
    }
}

/// The loop itself, on its thread.
private struct LoopRun<Handler: LoopHandler> {
    let port: LoopPort
    var handler: Handler
    let shared: LoopShared<Handler.Posted>
    var poller: Poller
    var deadlineMicroseconds: UInt64?
    var drainUntilMicroseconds: UInt64?

    init(port: LoopPort, handler: Handler, shared: LoopShared<Handler.Posted>) {
        self.port = port
        self.handler = handler
        self.shared = shared
        poller = Poller(port.sockets, wake: shared.wake)
    }

    mutating func untilStopped() {
        var fault: SocketError?
        do {
            while try oneTurn() {}
        } catch {
            fault = error
        }
        shared.fault.withLock { $0 = fault }
        shared.mailbox.close()
        for value in shared.mailbox.drain() { handler.posted(value) }
        handler.ended(fault)
    }

    /// Returns whether to go on.
    private mutating func oneTurn() throws(SocketError) -> Bool {
        _ = try poller.wait(milliseconds: timeoutMilliseconds)
        // Read before the mailbox: what was posted before `stop` is then taken before the end.
        let stopping = shared.stopping.load(ordering: .acquiring)
        for value in shared.mailbox.drain() { handler.posted(value) }
        for index in port.sockets.indices where poller.isReadable(index) { try receive(on: index) }
        let now = MonotonicClock.nowMicroseconds
        deadlineMicroseconds = handler.turn(nowMicroseconds: now)
        if let fault = port.fault { throw fault }
        return !stopping || goesOnDraining(now)
    }

    private mutating func goesOnDraining(_ now: UInt64) -> Bool {
        let until = drainUntilMicroseconds ?? now + UInt64(shared.limits.drainMilliseconds) * 1000
        drainUntilMicroseconds = until
        return !handler.drain(nowMicroseconds: now) && now < until
    }

    private mutating func receive(on index: Int) throws(SocketError) {
        for _ in 0..<shared.limits.messagesPerTurnMax {
            switch try port.sockets[index].receive(limits: shared.limits.frames) {
            case .nothing: return
            case .message(let message): handler.received(message, on: index)
            case .oversize(let oversize): handler.received(oversize: oversize, on: index)
            }
        }
    }

    private var timeoutMilliseconds: Int {
        let milliseconds = deadlineMicroseconds.map { MonotonicClock.millisecondsUntil($0) } ?? -1
        guard drainUntilMicroseconds != nil else { return milliseconds }
        // No socket says when a peer takes messages again, so a draining handler gets its turn often.
        return milliseconds < 0 ? Self.drainTurnMilliseconds : min(milliseconds, Self.drainTurnMilliseconds)
    }

    private static var drainTurnMilliseconds: Int { 5 }
}

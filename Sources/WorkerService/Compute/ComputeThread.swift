import Inference
import Synchronization
import Threading

/// Owns the engines and runs their steps, on one named thread. Commands come in through a bounded mailbox; events go
/// out through a closure that must not block.
///
/// The thread sleeps while no engine has work. With work it takes commands between two steps, so a new sequence joins
/// the batch, and a withdrawn one leaves it, one step after the word arrived.
final class ComputeThread: Sendable {
    private let exchange: ComputeExchange
    private let thread: NamedThread

    /// Grows with every engine step and every command taken: what a heartbeat reports as progress.
    var progress: UInt64 { exchange.progress.load(ordering: .relaxed) }

    var inFlight: Int { exchange.inFlight.load(ordering: .relaxed) }

    /// Nothing runs and no command waits.
    var isIdle: Bool { exchange.commands.count == 0 && inFlight == 0 }

    /// - Parameter makeEngines: runs on the new thread, which alone touches the engines.
    init(
        commandsMax: Int, makeEngines: @escaping @Sendable () -> [String: RunningModel],
        emit: @escaping @Sendable (ComputeEvent) -> Void
    ) throws(ThreadingError) {
        let exchange = try ComputeExchange(commandsMax: commandsMax)
        self.exchange = exchange
        thread = try NamedThread(name: "compute") {
            var loop = ComputeLoop(engines: makeEngines(), emit: emit)
            exchange.run(&loop)
        }
    }

    /// False when the mailbox is full; the caller answers for it.
    func post(_ command: ComputeCommand) -> Bool { exchange.commands.push(command) }

    /// Ends after the step in hand; sequences that still run are forgotten.
    func stop() {
        exchange.stopping.store(true, ordering: .releasing)
        exchange.wake.signal()
        thread.join()
    }
}

/// What the compute thread shares with the others.
private final class ComputeExchange: Sendable {
    let wake: Wake
    let commands: Mailbox<ComputeCommand>
    let stopping = Atomic<Bool>(false)
    let progress = Atomic<UInt64>(0)
    let inFlight = Atomic<Int>(0)
    /// Nothing wakes the thread for an answer on a data socket: it looks this often while one is due.
    private static let settlingMilliseconds = 5

    init(commandsMax: Int) throws(ThreadingError) {
        wake = try Wake()
        commands = Mailbox(capacity: commandsMax, wake: wake)
    }

    func run(_ loop: inout ComputeLoop) {
        while !stopping.load(ordering: .acquiring) {
            let taken = commands.drain()
            for command in taken { loop.take(command) }
            loop.service()
            if loop.hasWork {
                loop.step()
            } else if taken.isEmpty {
                _ = wake.wait(milliseconds: loop.isSettling ? Self.settlingMilliseconds : -1)
            }
            progress.add(1, ordering: .relaxed)
            inFlight.store(loop.inFlight, ordering: .relaxed)
        }
    }
}

import CCurl
import Glibc
import Threading

/// Calls servers outside the cluster, many at once, on a thread of its own: libcurl's multi interface.
package final class EndpointCaller: Sendable {
    private let commands: Mailbox<CallCommand>
    private let multi: MultiHandle
    private let thread: NamedThread

    /// Calls at once.
    package static let callsMax = 256

    /// - Parameter report: called on the thread; must not block. After `ended` nothing more comes of a ticket.
    package init(
        clock: @escaping @Sendable () -> UInt64 = { MonotonicClock.nowMicroseconds },
        report: @escaping @Sendable (UInt64, EndpointEvent) -> Void
    ) throws(ThreadingError) {
        let commands = Mailbox<CallCommand>(capacity: 4 * Self.callsMax)
        let multi = MultiHandle()
        self.commands = commands
        self.multi = multi
        thread = try NamedThread(name: "endpoints") {
            var calls = Calls(multi: multi, clock: clock, report: report)
            while commands.drain().allSatisfy({ calls.take($0) }) { calls.go() }
        }
    }

    /// False when too many wait; nothing is reported then.
    package func call(_ ticket: UInt64, _ request: EndpointRequest) -> Bool { push(.call(ticket, request)) }

    /// Nothing more is reported of the call, but what is on its way already.
    package func hangUp(_ ticket: UInt64) { _ = push(.hangUp(ticket)) }

    package func stop() {
        while !push(.stop) { usleep(1000) }
        thread.join()
    }

    private func push(_ command: CallCommand) -> Bool {
        defer { multi.wake() }
        return commands.push(command)
    }
}

private enum CallCommand: Sendable {
    case call(UInt64, EndpointRequest)
    case hangUp(UInt64)
    case stop
}

/// The calls that run, on their thread.
private struct Calls {
    let multi: MultiHandle
    let clock: @Sendable () -> UInt64
    let report: @Sendable (UInt64, EndpointEvent) -> Void
    private var transfers: [UInt64: Transfer] = [:]

    init(
        multi: MultiHandle, clock: @escaping @Sendable () -> UInt64,
        report: @escaping @Sendable (UInt64, EndpointEvent) -> Void
    ) {
        self.multi = multi
        self.clock = clock
        self.report = report
    }

    /// False: it was the last command.
    mutating func take(_ command: CallCommand) -> Bool {
        switch command {
        case .call(let ticket, let request): begin(ticket, request)
        case .hangUp(let ticket): if let transfer = transfers.removeValue(forKey: ticket) { multi.remove(transfer) }
        case .stop:
            for transfer in transfers.values { multi.remove(transfer) }
            return false
        }
        return true
    }

    private mutating func begin(_ ticket: UInt64, _ request: EndpointRequest) {
        let emit = { [report] (event: EndpointEvent) in report(ticket, event) }
        guard let transfer = Transfer(ticket, request, clock: clock, emit: emit) else {
            return report(ticket, .ended(.failed(EndpointFault(.unreachable, "libcurl has no memory left"))))
        }
        guard transfers.count < EndpointCaller.callsMax else {
            return transfer.fail(EndpointFault(.busy, "\(EndpointCaller.callsMax) calls run already"))
        }
        transfers[ticket] = transfer
        multi.add(transfer)
    }

    /// Does what can be done, then waits for news.
    mutating func go() {
        for (handle, code) in multi.perform() {
            guard let transfer = transfers.values.first(where: { $0.handle == handle }) else { continue }
            take(out: transfer)
            transfer.end(code)
        }
        let now = clock()
        for transfer in transfers.values where transfer.silentAtMicroseconds <= now {
            take(out: transfer)
            transfer.failForSilence()
        }
        let next = transfers.values.map(\.silentAtMicroseconds).min()
        multi.wait(milliseconds: next.map { Int(($0 - min($0, now)) / 1000) + 1 } ?? 1000)
    }

    private mutating func take(out transfer: Transfer) {
        transfers[transfer.ticket] = nil
        multi.remove(transfer)
    }
}

/// A libcurl multi handle. Everything but `wake` belongs to one thread.
private final class MultiHandle: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    init() {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        guard let handle = curl_multi_init() else { preconditionFailure("libcurl has no memory for a multi handle") }
        self.handle = handle
    }

    deinit { curl_multi_cleanup(handle) }

    func add(_ transfer: Transfer) { curl_multi_add_handle(handle, transfer.handle) }
    func remove(_ transfer: Transfer) { curl_multi_remove_handle(handle, transfer.handle) }

    /// Does what can be done now; gives the transfers that have ended.
    func perform() -> [(UnsafeMutableRawPointer, CURLcode)] {
        var running: Int32 = 0
        curl_multi_perform(handle, &running)
        var ended: [(UnsafeMutableRawPointer, CURLcode)] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            if message.pointee.msg == CURLMSG_DONE {
                ended.append((message.pointee.easy_handle, skein_curl_result(message)))
            }
        }
        return ended
    }

    func wait(milliseconds: Int) {
        curl_multi_poll(handle, nil, 0, Int32(clamping: milliseconds), nil)
    }

    /// The one function of libcurl that other threads may call.
    func wake() { curl_multi_wakeup(handle) }
}

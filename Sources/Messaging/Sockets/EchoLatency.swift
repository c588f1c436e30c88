import Threading

/// What the transport alone costs: a DEALER and a ROUTER that returns what it gets, nothing else in between.
package enum EchoLatency {
    /// Round-trip times in microseconds, in the order measured, for messages of one frame.
    ///
    /// Warm: the first tenth (at least one) of the rounds is made but not reported.
    package static func measure(_ endpoint: Endpoint, payloadBytes: Int, rounds: Int) throws -> [UInt64] {
        let context = try ZeroMQContext()
        let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
        let bound = try router.bind(endpoint)
        let stop = try Wake()
        let owned = Handover(router)
        let thread = try NamedThread(name: "echo") { echo(owned.take(), until: stop) }
        defer {
            stop.signal()
            thread.join()
        }
        try dealer.connect(bound)
        let payload = [UInt8](repeating: 0x5A, count: payloadBytes)
        let warmUp = max(1, rounds / 10)
        var times: [UInt64] = []
        for _ in 0..<warmUp + rounds { times.append(try roundTrip(dealer, payload)) }
        return Array(times.dropFirst(warmUp))
    }

    private static func roundTrip(_ dealer: Socket, _ payload: [UInt8]) throws -> UInt64 {
        var poller = Poller([dealer])
        var start = MonotonicClock.nowMicroseconds
        // Only before the connection is there: the first round trip of all waits for it.
        while try dealer.send([payload]) != .sent {
            _ = try poller.wait(milliseconds: 1)
            start = MonotonicClock.nowMicroseconds
        }
        while try poller.wait(milliseconds: 5000) {
            if case .message = try dealer.receive() { return MonotonicClock.nowMicroseconds - start }
        }
        throw SocketError(.other(code: 0), "measuring the echo", "nothing came back within 5 s")
    }

    private static func echo(_ router: Socket, until stop: Wake) {
        var poller = Poller([router], wake: stop)
        while (try? poller.wait(milliseconds: -1)) != nil, !poller.woke {
            while case .message(let message)? = try? router.receive() {
                _ = try? router.send(message.frames, to: message.routingID)
            }
        }
    }
}

import Threading

/// What a dispatch's round trip over ipc costs beside bare libzmq: codec and sockets of the data family at both ends, no arithmetic.
package enum DispatchLatency {
    /// Of one site group: how many rows, how wide, and what comes back.
    package struct Shape: Sendable {
        package let rows: Int
        package let inputs: Int
        /// Of each site.
        package let outputs: [Int]
        /// Experts that every row chooses.
        package let experts: Int

        package init(rows: Int, inputs: Int, outputs: [Int], experts: Int) {
            self.rows = rows
            self.inputs = inputs
            self.outputs = outputs
            self.experts = experts
        }

        var floatsBack: Int { rows * experts * outputs.reduce(0, +) }
    }

    /// Microseconds, round by round: a dispatch, then the same number of bytes each way in one frame.
    package struct Times: Sendable {
        package var dispatch: [UInt64] = []
        package var bare: [UInt64] = []
        package var bytesOut = 0
        package var bytesBack = 0
    }

    /// - Parameter paths: of two ipc endpoints, one for each contestant. The first tenth of the rounds warms up and is not reported.
    package static func measure(_ paths: (dispatch: String, bare: String), _ shape: Shape, rounds: Int) throws -> Times
    {
        let context = try ZeroMQContext()
        let bareRouter = try Socket(context, .router), bareDealer = try Socket(context, .dealer)
        try bareDealer.connect(try bareRouter.bind(.ipc(path: paths.bare)))
        let routers: [any MessageSocket] = [
            try InlineRouter(bindingTo: paths.dispatch, domain: .data), bareRouter,
        ]
        let dealers: [any MessageSocket] = [try InlineDealer(connectingTo: paths.dispatch), bareDealer]
        let request = request(shape)
        let reply = Envelope(.combine(Combine(dispatch: 1)), tensors: [Tensor(shape: [shape.floatsBack]) { _ in }])
        var times = Times()
        times.bytesOut = request.frames().reduce(0) { $0 + $1.count }
        times.bytesBack = reply.frames().reduce(0) { $0 + $1.count }
        let bareReply = [[UInt8](repeating: 1, count: times.bytesBack)]
        let stop = try Wake()
        let owned = Handover(routers)
        let thread = try NamedThread(name: "echo") { answer(owned.take(), reply, bareReply, until: stop) }
        defer {
            stop.signal()
            thread.join()
        }
        let payload = [[UInt8](repeating: 1, count: times.bytesOut)]
        let warmUp = max(1, rounds / 10)
        for round in 0..<warmUp + rounds {
            let dispatch = try roundTrip(dealers[0], { request.frames() }) { try Envelope(frames: $0).tensors.count }
            let bare = try roundTrip(dealers[1], { payload }) { $0.count }
            guard round >= warmUp else { continue }
            times.dispatch.append(dispatch)
            times.bare.append(bare)
        }
        return times
    }

    private static func request(_ shape: Shape) -> Envelope {
        let rows = (0..<UInt32(shape.rows)).map { $0 }
        let selections = shape.outputs.indices.flatMap { site in
            (0..<shape.experts).map { Selection(site: UInt32(site), expert: UInt32($0), rows: rows) }
        }
        return Envelope(
            .dispatch(Dispatch(dispatch: 1, set: 1, group: 3, selections: selections)),
            tensors: [Tensor(shape: [shape.rows, shape.inputs]) { _ in }])
    }

    private static func roundTrip(
        _ dealer: any MessageSocket, _ make: () -> [[UInt8]], _ read: ([[UInt8]]) throws -> Int
    ) throws -> UInt64 {
        var poller = Poller([dealer])
        var start = MonotonicClock.nowMicroseconds
        // Only before the connection is there.
        while try dealer.send(make()) != .sent {
            _ = try poller.wait(milliseconds: 1)
            start = MonotonicClock.nowMicroseconds
        }
        while try poller.wait(milliseconds: 5000) {
            guard case .message(let message) = try dealer.receive() else { continue }
            _ = try read(message.frames)
            return MonotonicClock.nowMicroseconds - start
        }
        throw SocketError(.other(code: 0), "measuring a dispatch", "nothing came back within 5 s")
    }

    private static func answer(_ routers: [any MessageSocket], _ reply: Envelope, _ bare: [[UInt8]], until stop: Wake) {
        var poller = Poller(routers, wake: stop)
        while (try? poller.wait(milliseconds: -1)) != nil, !poller.woke {
            while case .message(let message)? = try? routers[0].receive() {
                guard (try? Envelope(frames: message.frames)) != nil else { continue }
                _ = try? routers[0].send(reply.frames(), to: message.routingID)
            }
            while case .message(let message)? = try? routers[1].receive() {
                _ = try? routers[1].send(bare, to: message.routingID)
            }
        }
    }
}

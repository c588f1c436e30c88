import Foundation
import Messaging
import Testing
import Threading

extension BlockingTests {
    @Suite struct SocketTests {
        @Test func messagesGoBothWaysOverTCPAndIPC() throws {
            let sandbox = try Sandbox()
            for endpoint in [try Endpoint("tcp://127.0.0.1:*"), try sandbox.ipc()] {
                let context = try ZeroMQContext()
                let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
                let bound = try router.bind(endpoint)
                try dealer.connect(bound)
                #expect(try sendWhenConnected(dealer, [bytes("one"), [], bytes("three")]))
                let message = try #require(try receive(router))
                #expect(message.frames == [bytes("one"), [], bytes("three")])
                #expect(!message.routingID.isEmpty)
                #expect(try router.send([bytes("back")], to: message.routingID) == .sent)
                #expect(try receive(dealer)?.frames == [bytes("back")])
            }
        }

        @Test func whoIsNotThereIsUnroutable() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            try router.bind(Endpoint("tcp://127.0.0.1:*"))
            #expect(try router.send([bytes("x"), bytes("y")], to: [0, 1, 2, 3, 4]) == .unroutable)
        }

        @Test func withoutAConnectionNothingIsQueued() throws {
            let dealer = try Socket(ZeroMQContext(), .dealer)
            try dealer.connect(Endpoint("tcp://127.0.0.1:1"))
            #expect(try dealer.send([bytes("x")]) == .full)
        }

        @Test func aPeerThatNeverReadsFillsUpAndOthersGoOn() throws {
            let context = try ZeroMQContext()
            var options = SocketOptions()
            options.sendMessagesMax = 50
            options.receiveMessagesMax = 50
            options.lingerMilliseconds = 0
            let router = try Socket(context, .router, options: options)
            let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
            let lazy = try Socket(context, .dealer, options: options),
                keen = try Socket(context, .dealer, options: options)
            try lazy.connect(bound)
            #expect(try sendWhenConnected(lazy, [bytes("lazy")]))
            let lazyID = try #require(try receive(router)).routingID
            try keen.connect(bound)
            #expect(try sendWhenConnected(keen, [bytes("keen")]))
            let keenID = try #require(try receive(router)).routingID

            let block = [UInt8](repeating: 7, count: 64 << 10)
            var taken = 0
            while taken < 5000, try router.send([block], to: lazyID) == .sent { taken += 1 }
            #expect((50..<5000).contains(taken))
            #expect(try router.send([block], to: lazyID) == .full)
            #expect(try router.send([bytes("still here")], to: keenID) == .sent)
            #expect(try receive(keen)?.frames == [bytes("still here")])
        }

        @Test func aMessageOfFiftyThousandFramesIsDrainedAndOthersGoOn() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
            let hostile = try Socket(context, .dealer), friend = try Socket(context, .dealer)
            try hostile.connect(bound)
            try friend.connect(bound)
            let flood = [[UInt8]](repeating: [UInt8](repeating: 1, count: 8), count: 50_000)
            #expect(try sendWhenConnected(friend, [bytes("before")]))
            #expect(try receive(router)?.frames == [bytes("before")])
            var grown = 0
            for round in 0..<22 {
                #expect(try sendWhenConnected(hostile, flood))
                let oversize = try #require(try receiveOversize(router))
                #expect(oversize.frames == 50_000)
                #expect(oversize.bytes == 400_000)
                #expect(!oversize.routingID.isEmpty)
                if round == 1 { grown = -residentKiB() }
            }
            grown += residentKiB()
            // The first two rounds warm the allocator up. Kept frames would make 20 times 3 MB and more; the address
            // sanitizer keeps what is freed for a while, and would be blamed for nothing.
            if dlsym(nil, "__asan_init") == nil { #expect(grown < 24 << 10, "grew by \(grown) KiB") }
            #expect(try sendWhenConnected(friend, [bytes("after")]))
            #expect(try receive(router)?.frames == [bytes("after")])
        }

        private func receiveOversize(_ socket: Socket) throws -> Oversize? {
            var poller = Poller([socket])
            for _ in 0..<100 {
                if case .oversize(let oversize) = try socket.receive() { return oversize }
                _ = try poller.wait(milliseconds: 50)
            }
            return nil
        }

        @Test func tooManyBytesInAllAreDrainedToo() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
            try dealer.connect(router.bind(Endpoint("tcp://127.0.0.1:*")))
            #expect(
                try sendWhenConnected(dealer, [[UInt8](repeating: 0, count: 600), [UInt8](repeating: 0, count: 600)]))
            #expect(try sendWhenConnected(dealer, [bytes("next")]))
            var poller = Poller([router])
            #expect(try poller.wait(milliseconds: 2000))
            guard case .oversize(let oversize) = try router.receive(limits: FrameLimits(bytesMax: 1000)) else {
                Issue.record("not refused")
                return
            }
            #expect(oversize.bytes == 1200)
            #expect(try receive(router)?.frames == [bytes("next")])
        }

        /// libzmq disconnects whoever sends a frame beyond MAXMSGSIZE.
        @Test func aFrameBeyondTheLimitDisconnectsItsSenderAlone() throws {
            let context = try ZeroMQContext()
            var options = SocketOptions()
            options.frameBytesMax = 1000
            let router = try Socket(context, .router, options: options)
            let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
            let hostile = try Socket(context, .dealer), friend = try Socket(context, .dealer)
            let monitor = try hostile.monitor()
            try hostile.connect(bound)
            try friend.connect(bound)
            #expect(try sendWhenConnected(friend, [bytes("before")]))
            #expect(try receive(router)?.frames == [bytes("before")])
            #expect(try sendWhenConnected(hostile, [[UInt8](repeating: 0, count: 1001)]))
            #expect(try disconnection(monitor) != nil)
            #expect(try sendWhenConnected(friend, [bytes("after")]))
            #expect(try receive(router)?.frames == [bytes("after")])
        }

        @Test func aBrokenConnectionIsTheOneItsMessagesCameOver() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            let monitor = try router.monitor()
            let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
            var options = SocketOptions()
            options.lingerMilliseconds = 0
            let stays = try Socket(ZeroMQContext(), .dealer, options: options)
            try stays.connect(bound)
            #expect(try sendWhenConnected(stays, [bytes("stays")]))
            let staying = try #require(try receive(router)).sourceDescriptor
            var goes: Socket? = try Socket(ZeroMQContext(), .dealer, options: options)
            try goes?.connect(bound)
            #expect(try sendWhenConnected(#require(goes), [bytes("goes")]))
            let going = try #require(try receive(router)).sourceDescriptor
            #expect(going != staying)
            goes = nil
            #expect(try disconnection(monitor) == going)
        }

        /// The connection that the next disconnection is about.
        private func disconnection(_ monitor: Socket) throws -> Int32? {
            while let message = try receive(monitor) {
                if case .disconnected(let descriptor) = ConnectionEvent(message) { return descriptor }
            }
            return nil
        }

        @Test func aTakenAddressIsSaidSo() throws {
            let sandbox = try Sandbox()
            let context = try ZeroMQContext()
            for endpoint in [try Endpoint("tcp://127.0.0.1:*"), try sandbox.ipc()] {
                let first = try Socket(context, .router), second = try Socket(context, .router)
                let bound = try first.bind(endpoint)
                let error = #expect(throws: SocketError.self) { try second.bind(bound) }
                #expect(error?.kind == .addressInUse)
                #expect(error?.description.contains(bound.description) == true)
            }
        }

        @Test func pollersSeeWakeUps() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            try router.bind(Endpoint("tcp://127.0.0.1:*"))
            let wake = try Wake()
            var poller = Poller([router], wake: wake)
            #expect(try !poller.wait(milliseconds: 1))
            wake.signal()
            #expect(try poller.wait(milliseconds: 1000))
            #expect(poller.woke)
            #expect(!poller.isReadable(0))
            #expect(try !poller.wait(milliseconds: 1))
        }

        @Test func theEchoMeasuresEveryRound() throws {
            let sandbox = try Sandbox()
            let times = try EchoLatency.measure(sandbox.ipc(), payloadBytes: 512, rounds: 200)
            #expect(times.count == 200)
            #expect(times.allSatisfy { $0 < 5_000_000 } && times.contains { $0 > 0 })
        }
    }
}

import Foundation
import Glibc
import Messaging
import Testing
import Threading

extension BlockingTests {
    /// Sockets whose owner's thread reads and writes itself, against each other and against libzmq's.
    @Suite struct InlineSocketTests {
        enum Ends: CaseIterable { case bothInline, libzmqConnects, libzmqListens }

        /// Frame sizes around every change of header and of way: short and long headers, the copied and the uncopied, more than the
        /// kernel keeps on the way.
        private static let sizes = [0, 1, 255, 256, 16 << 10, (16 << 10) + 1, 70_000, 3_000_000]

        @Test(arguments: Ends.allCases) func framesOfAllSizesGoBothWays(_ ends: Ends) throws {
            let pair = try Pair(ends)
            let routingID = try pair.connect()
            let frames = Self.sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
            for message in frames.map({ [$0] }) + [frames, [bytes("a"), [], frames[7], [], bytes("z")]] {
                let there = try pair.carry(message, from: pair.dealer, to: pair.router)
                #expect(there?.frames == message)
                #expect(there?.routingID == routingID)
                #expect(try pair.carry(message, from: pair.router, to: pair.dealer, routingID)?.frames == message)
            }
        }

        @Test(arguments: Ends.allCases) func manyMessagesKeepTheirOrder(_ ends: Ends) throws {
            let pair = try Pair(ends)
            _ = try pair.connect()
            var sent = 0
            var seen: [String] = []
            let end = MonotonicClock.nowMicroseconds + 10_000_000
            while seen.count < 5000, MonotonicClock.nowMicroseconds < end {
                // What the kernel did not take at once goes out now.
                #expect(try pair.dealer.receive() == .nothing)
                while sent < 5000, try pair.dealer.send([bytes("\(sent)"), bytes("body")]) == .sent { sent += 1 }
                while case .message(let message) = try pair.router.receive() {
                    seen.append(String(decoding: message.frames[0], as: UTF8.self))
                }
            }
            #expect(seen == (0..<5000).map(String.init))
        }

        @Test func thePeerIsThisUserAndHasTheRolesOfOne() throws {
            let pair = try Pair(.libzmqConnects)
            _ = try pair.connect()
            let message = try #require(try pair.carry([bytes("x")], from: pair.dealer, to: pair.router))
            #expect(message.userID == Identity.local(uid: geteuid()).userID)
            #expect(message.peerAddress?.hasPrefix("localhost:\(geteuid()):") == true)
        }

        /// Pings that are not answered would end libzmq's connection after 120 ms.
        @Test func libzmqsHeartbeatsAreAnswered() throws {
            var options = SocketOptions()
            options.heartbeatMilliseconds = 40
            options.heartbeatTimeoutMilliseconds = 120
            let pair = try Pair(.libzmqConnects, dealerOptions: options)
            let routingID = try pair.connect()
            var poller = Poller([pair.router])
            let end = MonotonicClock.nowMicroseconds + 600_000
            while MonotonicClock.nowMicroseconds < end {
                _ = try poller.wait(milliseconds: 20)
                #expect(try pair.router.receive() == .nothing)
            }
            // The same connection: the routing id would be another.
            #expect(try pair.carry([bytes("x")], from: pair.dealer, to: pair.router)?.routingID == routingID)
        }

        @Test func aPeerThatNeverReadsFillsUpAndOthersGoOn() throws {
            let sandbox = try Sandbox()
            var options = SocketOptions()
            options.sendMessagesMax = 50
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data, options: options)
            let lazy = try InlineDealer(connectingTo: sandbox.path + "/s"),
                keen = try InlineDealer(connectingTo: sandbox.path + "/s")
            let lazyID = try greet(lazy, router), keenID = try greet(keen, router)
            let block = [UInt8](repeating: 7, count: 64 << 10)
            var taken = 0
            while taken < 5000, try router.send([block], to: lazyID) == .sent { taken += 1 }
            #expect((25..<200).contains(taken))
            #expect(try router.send([block], to: lazyID) == .full)
            #expect(try router.send([bytes("still here")], to: keenID) == .sent)
            #expect(try receive(keen)?.frames == [bytes("still here")])
            // It reads at last: everything comes, whole and in order.
            var poller = Poller([lazy, router])
            var read = 0
            while read < taken, try poller.wait(milliseconds: 2000) {
                while case .message(let message) = try lazy.receive() {
                    #expect(message.frames == [block])
                    read += 1
                }
                _ = try router.receive()
            }
            #expect(read == taken)
        }

        @Test func tooManyFramesAreDrainedAndCounted() throws {
            let pair = try Pair(.libzmqConnects)
            let routingID = try pair.connect()
            let flood = [[UInt8]](repeating: [1, 2, 3, 4], count: 50_000)
            #expect(try sendWhenConnected(pair.dealer, flood))
            var poller = Poller([pair.router])
            var found: Oversize?
            for _ in 0..<100 where found == nil {
                if case .oversize(let oversize) = try pair.router.receive() { found = oversize }
                if found == nil { _ = try poller.wait(milliseconds: 20) }
            }
            #expect(found?.frames == 50_000)
            #expect(found?.bytes == 200_000)
            #expect(found?.routingID == routingID)
            #expect(try pair.carry([bytes("next")], from: pair.dealer, to: pair.router)?.frames == [bytes("next")])
        }

        @Test func aFrameBeyondTheLimitEndsItsSendersConnectionAlone() throws {
            let sandbox = try Sandbox()
            var options = SocketOptions()
            options.frameBytesMax = 1000
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data, options: options)
            let hostile = try InlineDealer(connectingTo: sandbox.path + "/s"),
                friend = try InlineDealer(connectingTo: sandbox.path + "/s")
            let hostileID = try greet(hostile, router), friendID = try greet(friend, router)
            #expect(try hostile.send([[UInt8](repeating: 0, count: 1001)]) == .sent)
            #expect(try friend.send([[UInt8](repeating: 0, count: 1000)]) == .sent)
            let message = try #require(try receive(router))
            #expect(message.routingID == friendID)
            #expect(message.frames[0].count == 1000)
            #expect(try router.send([bytes("x")], to: hostileID) == .unroutable)
            #expect(try router.send([bytes("x")], to: friendID) == .sent)
        }

        /// What is no ZMTP, or breaks its rules, ends that connection and nothing else.
        @Test(arguments: Garbage.allCases) func garbageEndsItsConnection(_ garbage: Garbage) throws {
            let sandbox = try Sandbox()
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            let friend = try InlineDealer(connectingTo: sandbox.path + "/s")
            let friendID = try greet(friend, router)
            let raw = try RawStream(sandbox.path + "/s")
            raw.write(garbage.bytes)
            var poller = Poller([router])
            var ended = false
            for _ in 0..<100 where !ended {
                #expect(try router.receive() == .nothing)
                ended = raw.hasEnded()
                if !ended { _ = try poller.wait(milliseconds: 10) }
            }
            #expect(ended, "the connection stays")
            #expect(try friend.send([bytes("fine")]) == .sent)
            #expect(try receive(router)?.routingID == friendID)
        }

        enum Garbage: CaseIterable {
            case http, oldVersion, curve, wrongType, messageFirst, reservedFlags, endlessFrame, endlessCommand,
                endsWithinAFrame

            var bytes: [UInt8] {
                switch self {
                case .http:
                    Array(
                        "GET / HTTP/1.1\r\nHost: a-host-with-a-name-that-is-long-enough-to-fill-a-greeting\r\n\r\n".utf8
                    )
                case .oldVersion: greeting(major: 2)
                case .curve: greeting(mechanism: "CURVE")
                case .wrongType: greeting() + ready("PUB")
                case .messageFirst: greeting() + [0, 1, 65]
                case .reservedFlags: greeting() + ready("DEALER") + [0x80, 1, 65]
                case .endlessFrame: greeting() + ready("DEALER") + [2] + [UInt8](repeating: 0xFF, count: 8)
                case .endlessCommand: greeting() + [6, 0, 0, 0, 0, 0, 1, 0, 0]
                case .endsWithinAFrame:
                    greeting() + [4, 40, 5] + Array("READY".utf8) + [200]
                        + [UInt8](repeating: 65, count: 33)
                }
            }

            private func greeting(major: UInt8 = 3, mechanism: String = "NULL") -> [UInt8] {
                let name = Array(mechanism.utf8)
                return [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, major, 1] + name
                    + [UInt8](repeating: 0, count: 52 - name.count)
            }

            private func ready(_ type: String) -> [UInt8] {
                let body =
                    [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, UInt8(type.utf8.count)]
                    + Array(type.utf8)
                return [4, UInt8(body.count)] + body
            }
        }

        @Test func aMessageThatBreaksOffIsNotDelivered() throws {
            let sandbox = try Sandbox()
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            do {
                let raw = try RawStream(sandbox.path + "/s")
                raw.write(Garbage.reservedFlags.bytes.dropLast(3) + [1, 1, 65, 0, 9, 66])
                var poller = Poller([router])
                for _ in 0..<5 {
                    #expect(try router.receive() == .nothing)
                    _ = try poller.wait(milliseconds: 10)
                }
            }
            for _ in 0..<5 { #expect(try router.receive() == .nothing) }
        }

        @Test func aHandshakeThatDoesNotEndIsEnded() throws {
            let sandbox = try Sandbox()
            var options = SocketOptions()
            options.handshakeMilliseconds = 50
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data, options: options)
            let raw = try RawStream(sandbox.path + "/s")
            var poller = Poller([router])
            for _ in 0..<100 where !raw.hasEnded() {
                _ = try poller.wait(milliseconds: 5)
                _ = try router.receive()
            }
            #expect(raw.hasEnded())
        }

        @Test func connectionsThatSayNothingDoNotDriveOutOneThatTalks() throws {
            let sandbox = try Sandbox()
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            let dealer = try InlineDealer(connectingTo: sandbox.path + "/s")
            let routingID = try greet(dealer, router)
            var silent: [RawStream] = []
            var poller = Poller([router])
            for _ in 0..<InlineRouter.connectionsMax + 10 {
                silent.append(try RawStream(sandbox.path + "/s"))
                _ = try poller.wait(milliseconds: 0)
                #expect(try router.receive() == .nothing)
            }
            #expect(silent.filter { $0.hasEnded() }.count == 11)
            #expect(try router.send([bytes("still here")], to: routingID) == .sent)
            #expect(try receive(dealer)?.frames == [bytes("still here")])
        }

        @Test func aDealerComesBackToAListenerThatStartsAnew() throws {
            let sandbox = try Sandbox()
            let dealer = try InlineDealer(connectingTo: sandbox.path + "/s")
            #expect(try dealer.send([bytes("x")]) == .full)
            var router: InlineRouter? = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            _ = try greet(dealer, try #require(router))
            router = nil
            #expect(!FileManager.default.fileExists(atPath: sandbox.path + "/s"))
            _ = try dealer.receive()
            #expect(try dealer.send([bytes("x")]) == .full)
            let next = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            _ = try greet(dealer, next)
        }

        @Test func whoHasGoneIsUnroutable() throws {
            let sandbox = try Sandbox()
            let router = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            var dealer: InlineDealer? = try InlineDealer(connectingTo: sandbox.path + "/s")
            let routingID = try greet(try #require(dealer), router)
            #expect(try router.send([bytes("x")], to: [0, 9, 9, 9, 9]) == .unroutable)
            dealer = nil
            #expect(try router.receive() == .nothing)
            #expect(try router.send([bytes("x")], to: routingID) == .unroutable)
        }

        @Test func anAddressInUseIsRefusedAndAFileLeftOverIsNot() throws {
            let sandbox = try Sandbox()
            let path = sandbox.path + "/s"
            let first = try InlineRouter(bindingTo: path, domain: .data)
            #expect { try InlineRouter(bindingTo: path, domain: .data) } throws: {
                ($0 as? SocketError)?.kind == .addressInUse
            }
            try withExtendedLifetime(first) {
                // Its file is gone, another one's is there: the first must not take that away.
                try FileManager.default.removeItem(atPath: path)
                #expect(FileManager.default.createFile(atPath: path, contents: nil))
            }
            let second = try InlineRouter(bindingTo: path, domain: .data)
            let dealer = try InlineDealer(connectingTo: path)
            _ = try greet(dealer, second)
            chmod(sandbox.path, 0o755)
            #expect { try InlineRouter(bindingTo: sandbox.path + "/t", domain: .data) } throws: {
                ($0 as? SocketError)?.kind == .notPrivate
            }
        }

        @Test func aPollerWaitsForInlineSocketsLibzmqsAndAWakeUpTogether() throws {
            let sandbox = try Sandbox()
            let context = try ZeroMQContext()
            let inline = try InlineRouter(bindingTo: sandbox.path + "/s", domain: .data)
            let libzmq = try Socket(context, .router)
            try libzmq.bind(sandbox.ipc("z"))
            let dealers: [any MessageSocket] = [
                try InlineDealer(connectingTo: sandbox.path + "/s"),
                try InlineDealer(connectingTo: sandbox.path + "/z"),
            ]
            let wake = try Wake()
            _ = try greet(dealers[0], inline)
            _ = try greet(dealers[1], libzmq)
            var poller = Poller([inline, libzmq], wake: wake)
            #expect(try !poller.wait(milliseconds: 0))
            for (index, router) in [inline as any MessageSocket, libzmq].enumerated() {
                #expect(try dealers[index].send([bytes("x")]) == .sent)
                #expect(try poller.wait(milliseconds: 2000))
                #expect(poller.isReadable(index) && !poller.isReadable(1 - index) && !poller.woke)
                #expect(try receive(router)?.frames == [bytes("x")])
            }
            wake.signal()
            #expect(try poller.wait(milliseconds: 2000))
            #expect(poller.woke && !poller.isReadable(0) && !poller.isReadable(1))
            // Until here: a dealer that ends is something to read.
            withExtendedLifetime(dealers) {}
        }
    }
}

/// A dealer and a router, inline or libzmq's.
private struct Pair {
    let sandbox: Sandbox
    let context: ZeroMQContext
    let dealer: any MessageSocket
    let router: any MessageSocket

    init(_ ends: BlockingTests.InlineSocketTests.Ends, dealerOptions: SocketOptions = SocketOptions()) throws {
        sandbox = try Sandbox()
        context = try ZeroMQContext()
        let path = sandbox.path + "/s"
        if ends == .libzmqListens {
            let socket = try Socket(context, .router)
            try socket.bind(.ipc(path: path))
            router = socket
        } else {
            router = try InlineRouter(bindingTo: path, domain: .data)
        }
        if ends == .libzmqConnects {
            let socket = try Socket(context, .dealer, options: dealerOptions)
            try socket.connect(.ipc(path: path))
            dealer = socket
        } else {
            dealer = try InlineDealer(connectingTo: path)
        }
    }

    func connect() throws -> [UInt8] { try greet(dealer, router) }

    /// Either end goes on until the message is there.
    func carry(
        _ message: [[UInt8]], from sender: any MessageSocket, to receiver: any MessageSocket, _ routingID: [UInt8] = []
    ) throws -> Received? {
        guard try sender.send(message, to: routingID) == .sent else { return nil }
        var poller = Poller([receiver, sender])
        let end = MonotonicClock.nowMicroseconds + 5_000_000
        while MonotonicClock.nowMicroseconds < end {
            if case .message(let received) = try receiver.receive(limits: FrameLimits(bytesMax: 32 << 20)) {
                return received
            }
            // What the kernel did not take at once goes out now.
            guard case .nothing = try sender.receive() else { return nil }
            _ = try poller.wait(milliseconds: 50)
        }
        return nil
    }
}

/// Sends a first message, while either end shakes hands. Returns the dealer's routing id.
private func greet(_ dealer: any MessageSocket, _ router: any MessageSocket) throws -> [UInt8] {
    let end = MonotonicClock.nowMicroseconds + 3_000_000
    var isSent = false
    while MonotonicClock.nowMicroseconds < end {
        if !isSent { isSent = try dealer.send([bytes("hello")]) == .sent }
        if case .message(let message) = try router.receive() {
            #expect(message.frames == [bytes("hello")])
            return message.routingID
        }
        usleep(500)
        var poller = Poller([router])
        _ = try poller.wait(milliseconds: 0)
    }
    Issue.record("no connection")
    return []
}

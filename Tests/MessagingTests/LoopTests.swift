import Foundation
import Messaging
import Synchronization
import Testing
import Threading

extension BlockingTests {
    @Suite struct LoopTests {
        /// What the handlers below tell the test.
        final class Log: Sendable {
            let lines = Mutex<[String]>([])
            let wake: Wake

            init() throws { wake = try Wake() }

            func add(_ line: String) {
                lines.withLock { $0.append(line) }
                wake.signal()
            }

            func wait(for line: String, milliseconds: Int = 3000) -> Bool {
                for _ in 0..<milliseconds / 10 {
                    if lines.withLock({ $0.contains(line) }) { return true }
                    _ = wake.wait(milliseconds: 10)
                }
                return false
            }
        }

        struct Recorder: LoopHandler {
            let port: LoopPort
            let log: Log
            /// Answers held back until the loop stops.
            var pending: [(routingID: [UInt8], frames: [[UInt8]])] = []
            var holdsBack = false
            var dueAt: UInt64?
            var neverDrained = false

            mutating func received(_ message: Received, on socket: Int) {
                let text = String(decoding: message.frames.last ?? [], as: UTF8.self)
                if holdsBack {
                    pending.append((message.routingID, message.frames))
                } else {
                    log.add("\(socket):\(text)")
                }
            }

            mutating func received(oversize: Oversize, on socket: Int) { log.add("oversize \(oversize.frames)") }

            mutating func posted(_ value: String) {
                log.add(value)
                if value == "timer" { dueAt = MonotonicClock.nowMicroseconds + 30_000 }
            }

            mutating func turn(nowMicroseconds: UInt64) -> UInt64? {
                if let due = dueAt, nowMicroseconds >= due {
                    dueAt = nil
                    log.add("due after \((nowMicroseconds - due) / 1000) ms")
                }
                return dueAt
            }

            /// Sends some per turn, as a handler does that must not send everything at once.
            mutating func drain(nowMicroseconds: UInt64) -> Bool {
                if neverDrained { return false }
                for _ in 0..<10 where !pending.isEmpty {
                    let reply = pending[0]
                    guard port.send(reply.frames, on: 0, to: reply.routingID) != .full else { break }
                    pending.removeFirst()
                }
                return pending.isEmpty
            }

            mutating func ended(_ fault: SocketError?) { log.add("ended \(fault == nil ? "well" : "badly")") }
        }

        @Test func noReplyIsLostByStopping() throws {
            let sandbox = try Sandbox()
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            let bound = try router.bind(sandbox.ipc())
            let log = try Log()
            let loop = try MessageLoop(name: "loop", sockets: [router]) { port in
                Recorder(port: port, log: log, holdsBack: true)
            }
            let dealer = try Socket(ZeroMQContext(), .dealer)
            try dealer.connect(bound)
            for index in 0..<500 {
                #expect(try sendWhenConnected(dealer, [bytes("\(index)"), [UInt8](repeating: 0, count: 5000)]))
            }
            usleep(200_000)
            #expect(loop.post("last word"))
            loop.stop()
            // The client reads while the loop drains, closes and the context lets go.
            let seen = Mutex(0)
            let reader = Handover(dealer)
            let thread = try NamedThread(name: "reader") {
                let dealer = reader.take()
                while let message = try? receive(dealer, milliseconds: 1000) {
                    let expected = seen.withLock { "\($0)" }
                    guard message.frames[0] == bytes(expected) else { return }
                    seen.withLock { $0 += 1 }
                    if seen.withLock({ $0 }) == 500 { return }
                }
            }
            #expect(loop.join() == nil)
            thread.join()
            #expect(seen.withLock { $0 } == 500)
            #expect(log.lines.withLock { $0 } == ["last word", "ended well"])
            #expect(!loop.post("too late"))
        }

        @Test func drainingHasABound() throws {
            let log = try Log()
            var limits = LoopLimits()
            limits.drainMilliseconds = 50
            let loop = try MessageLoop(name: "loop", sockets: [], limits: limits) { port in
                Recorder(port: port, log: log, neverDrained: true)
            }
            let start = MonotonicClock.nowMicroseconds
            loop.stop()
            loop.join()
            #expect((40_000...1_000_000).contains(MonotonicClock.nowMicroseconds - start))
        }

        @Test func timersComeInTime() throws {
            let log = try Log()
            let loop = try MessageLoop(name: "loop", sockets: []) { Recorder(port: $0, log: log) }
            #expect(loop.post("timer"))
            for _ in 0..<300 where log.lines.withLock({ $0.count }) < 2 { usleep(10_000) }
            let line = try #require(log.lines.withLock { $0.last })
            let late = try #require(line.split(separator: " ").compactMap { Int($0) }.first)
            #expect((0..<500).contains(late), "\(line)")
            loop.stop()
            loop.join()
        }

        @Test func aFloodOnOneSocketDoesNotHoldUpAnother() throws {
            let context = try ZeroMQContext()
            let flooded = try Socket(context, .router), quiet = try Socket(context, .router)
            let floodedAt = try flooded.bind(.inproc(name: "flooded")), quietAt = try quiet.bind(.inproc(name: "quiet"))
            let flooder = try Socket(context, .dealer), other = try Socket(context, .dealer)
            try flooder.connect(floodedAt)
            try other.connect(quietAt)
            for _ in 0..<900 { #expect(try flooder.send([bytes("flood")]) == .sent) }
            #expect(try other.send([bytes("hello")]) == .sent)
            let log = try Log()
            let loop = try MessageLoop(name: "loop", sockets: [flooded, quiet]) { Recorder(port: $0, log: log) }
            #expect(log.wait(for: "1:hello"))
            for _ in 0..<300 where log.lines.withLock({ $0.count }) < 901 { usleep(10_000) }
            let lines = log.lines.withLock { $0 }
            #expect(lines.count == 901)
            #expect(lines.firstIndex(of: "1:hello") ?? 901 <= LoopLimits().messagesPerTurnMax)
            loop.stop()
            loop.join()
        }

        @Test func oversizeMessagesReachTheHandler() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
            try dealer.connect(router.bind(.inproc(name: "x")))
            #expect(try dealer.send([[UInt8]](repeating: [1], count: 17)) == .sent)
            let log = try Log()
            let loop = try MessageLoop(name: "loop", sockets: [router]) { Recorder(port: $0, log: log) }
            #expect(log.wait(for: "oversize 17"))
            loop.stop()
            loop.join()
        }

        @Test func aContextThatEndsEndsTheLoopWithItsReason() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            try router.bind(.inproc(name: "x"))
            let log = try Log()
            let loop = try MessageLoop(name: "loop", sockets: [router]) { Recorder(port: $0, log: log) }
            context.shutdown()
            #expect(loop.join()?.kind == .contextEnded)
            #expect(log.lines.withLock { $0 } == ["ended badly"])
        }
    }
}

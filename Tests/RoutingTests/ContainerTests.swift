import Routing
import Testing

@Suite("Timers, queues, shares, ids")
struct ContainerTests {
    @Test("The heap gives the same order as sorting, through moves and cancellations")
    func heap() {
        // A linear congruential generator will do: the point is a mixed-up order, the same in every run.
        var state: UInt64 = 42
        func draw(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var heap = TimerHeap<Int>()
        var reference: [Int: UInt64] = [:]
        for _ in 0..<5000 {
            let key = Int(draw(200))
            if draw(4) == 0 {
                heap.cancel(key)
                reference[key] = nil
            } else {
                let moment = draw(1_000_000) * 1000 + UInt64(key)
                heap.set(key, to: Instant(microseconds: moment))
                reference[key] = moment
            }
            #expect(heap.count == reference.count)
            #expect(heap.earliest?.microseconds == reference.values.min())
        }
        var fired: [Int] = []
        while let key = heap.popDue(at: Instant(microseconds: .max)) { fired.append(key) }
        #expect(fired == reference.sorted { $0.value < $1.value }.map(\.key))
    }

    @Test("What is not due stays")
    func due() {
        var heap = TimerHeap<String>()
        heap.set("late", to: Instant(milliseconds: 2))
        heap.set("early", to: Instant(milliseconds: 1))
        #expect(heap.popDue(at: Instant(milliseconds: 1)) == "early")
        #expect(heap.popDue(at: Instant(milliseconds: 1)) == nil)
        #expect(heap.moment(of: "late") == Instant(milliseconds: 2))
    }

    @Test("Within an identity first come, first served; interrupted queries first of all")
    func queue() {
        func key(_ id: UInt64, _ identity: String = "alice") -> QueryKey { Conversation.key(id, of: identity) }
        var queue = FairQueue()
        queue.append(key(1))
        queue.append(key(2))
        queue.append(key(3, "bob"))
        queue.appendInterrupted(key(5), order: 5)
        queue.appendInterrupted(key(4), order: 4)
        var order: [QueryKey] = []
        while let next = queue.next(running: { _ in 0 }, isPlaceable: { _ in true }) {
            order.append(next)
            queue.remove(next, served: true)
        }
        // Two of alice's were served when the others' turn comes.
        #expect(order == [key(4), key(5), key(3, "bob"), key(1), key(2)])
        #expect(queue.isEmpty)
    }

    @Test("An identity is let in while it holds less than what is free")
    func shares() {
        var limits = RoutingLimits()
        limits.queuedMax = 12
        var shares = Shares()
        func fill(_ identity: String) -> Int {
            var count = 0
            while shares.admits(identity, limits: limits) {
                shares.change(identity, live: 1, waiting: 1)
                count += 1
            }
            return count
        }
        #expect([fill("a"), fill("b"), fill("c")] == [6, 3, 2])
        #expect(shares.total.waiting == 11 && shares.admits("newcomer", limits: limits))
        for _ in 0..<6 { shares.change("a", live: -1, waiting: -1) }
        #expect(shares.identityCount == 2)
    }

    @Test("Query ids are 16 bytes, in order")
    func queryID() throws {
        let bytes = (0..<16).map { UInt8($0 * 17) }
        let id = try #require(QueryID(bytes: bytes))
        #expect(id.bytes == bytes && id.description == "00112233445566778899aabbccddeeff")
        #expect(QueryID(bytes: bytes.dropLast()) == nil && QueryID(bytes: bytes + [0]) == nil)
    }

    @Test("Moments saturate and never run backwards")
    func instants() {
        let end = Instant(microseconds: .max)
        #expect(end.advanced(byMilliseconds: .max) == end && Instant(milliseconds: .max) == end)
        #expect(Instant(microseconds: 5).microseconds(since: Instant(microseconds: 9)) == 0)
        #expect(Instant(microseconds: 1001).milliseconds(from: Instant(microseconds: 0)) == 2)
    }

    @Test("The same events give the same directives")
    func determinism() {
        func script() -> [Directive] {
            var talk = Conversation()
            var all: [Directive] = []
            for name in ["c", "a", "b", "e", "d"] {
                talk.join(name)
                all += talk.directives
            }
            for id in 1...30 { all += talk.submit(UInt64(id), of: "i\(id % 7)") }
            all += talk.wait(milliseconds: 20_000)
            return all
        }
        #expect(script() == script())
    }
}

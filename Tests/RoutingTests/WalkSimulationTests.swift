import Deciding
import Routing
import Testing

/// Random workers, losses, readings and clients: whatever happens, a query ends once, in time, and nothing grows.
struct WalkSimulationTests {
    /// SplitMix64 (Steele and others, 2014).
    struct Chance {
        var state: UInt64

        mutating func below(_ bound: UInt64) -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return (z ^ (z >> 31)) % bound
        }
    }

    struct World {
        var talk: Conversation
        var chance: Chance

        init(seed: UInt64, gathers: Bool) {
            chance = Chance(state: seed)
            talk = WalkTests.talk { graph in
                graph.nodes["french"]?.wantsRewrite = true
                graph.nodes["french"]?.deadlineMilliseconds = 400
                graph.nodes["m"]?.deadlineMilliseconds = 300
                graph.nodes["general"]?.cascade = .init(to: "far", threshold: 0.5)
                var far = GraphNode("far", .endpoint)
                far.fallbacks = ["french"]
                graph.nodes["far"] = far
                graph.stepsMax = 8
                guard gathers, case .master(var master) = graph.nodes["m"]?.work else { return }
                master.top = 2
                master.reassembly = .vote
                graph.nodes["m"]?.work = .master(master)
            }
        }

        var assigns: [Assign] = []
        var tickets: [(QueryKey, UInt64)] = []
        var calls: [EndpointCall] = []
        var endings: [QueryKey: Int] = [:]
        var accepted: Set<QueryKey> = []
        var next: UInt64 = 1

        mutating func say(_ event: Event) {
            for directive in talk.say(event) {
                switch directive {
                case .assign(let assign): assigns.append(assign)
                case .withdraw(let connection, let id):
                    assigns.removeAll { $0.assignment == id }
                    say(.ended(Ended(assignment: id, kind: .withdrawn), from: connection))
                case .prepare(let key, let ticket, _): tickets.append((key, ticket))
                case .assemble(let key, let ticket, _, _): say(.assembled(key, ticket: ticket, bytes: [66]))
                case .call(let call): calls.append(call)
                case .hangUp(_, let ticket): calls.removeAll { $0.ticket == ticket }
                case .adopt(let key, let branch):
                    for index in calls.indices where calls[index].query == branch { calls[index].query = key }
                case .forget(let key) where !key.isBranch: endings[key, default: 0] += 1
                default: break
                }
            }
        }

        mutating func step() {
            switch chance.below(12) {
            case 0, 1: submit()
            case 2: join()
            case 3 where chance.below(6) == 0:
                say(.workerDisconnected(Conversation.connection("w\(chance.below(3))")))
            case 3...5: encode()
            case 6...9: work()
            case 10: hear()
            default: cancelOrWait()
            }
            let wrong = talk.machine.inconsistencies()
            #expect(wrong.isEmpty, "\(wrong)")
        }

        private mutating func submit() {
            var submission = Conversation.submission(next, model: "x")
            next += 1
            submission.node = "m"
            submission.prompt = .encoding
            submission.walks = true
            submission.currentNode = chance.below(2) == 0 ? "french" : nil
            accepted.insert(submission.key)
            say(.submitted(submission))
        }

        private mutating func join() {
            let name = "w\(chance.below(3))"
            var hello = Conversation.hello(
                name, incarnation: talk.now.microseconds, models: ["master:m", "g", "f"], context: 2000)
            hello.models[0].functionalTokens = WalkTests.tokens
            assigns.removeAll { $0.worker == name }
            say(.hello(hello, from: Conversation.connection(name)))
        }

        private mutating func encode() {
            guard !tickets.isEmpty else { return }
            let (key, ticket) = tickets.remove(at: Int(chance.below(UInt64(tickets.count))))
            say(
                chance.below(20) == 0
                    ? .preparationFailed(key, ticket: ticket, Failure(.promptTooLong, "long"))
                    : .prepared(key, ticket: ticket, promptTokens: [1, 2, 3]))
        }

        private mutating func work() {
            guard !assigns.isEmpty else { return }
            let assign = assigns.remove(at: Int(chance.below(UInt64(assigns.count))))
            let connection = assign.connection
            if chance.below(15) == 0 {
                return say(.ended(Ended(assignment: assign.assignment, kind: .failed), from: connection))
            }
            if assign.decide {
                let logits = (0..<3).map { _ in Float(chance.below(8)) }
                let reading = MasterReading(logits: logits, mass: Double(chance.below(100)) / 99)
                return say(
                    .ended(Ended(assignment: assign.assignment, kind: .decided, reading: reading), from: connection))
            }
            let logprobs =
                assign.topLogprobs > 0 ? [TokenLogprobs(logprob: -Float(chance.below(3)))] : []
            say(
                .generated(
                    Generated(
                        assignment: assign.assignment, position: assign.generatedBefore, tokens: [5],
                        logprobs: logprobs), from: connection))
            say(.ended(Ended(assignment: assign.assignment, kind: .endToken), from: connection))
        }

        private mutating func hear() {
            guard !calls.isEmpty else { return }
            let call = calls.remove(at: Int(chance.below(UInt64(calls.count))))
            if chance.below(2) == 0 { say(.called(call.query, ticket: call.ticket, bytes: [65])) }
            say(
                .callEnded(
                    call.query, ticket: call.ticket,
                    chance.below(2) == 0
                        ? .finished(.endToken) : .failed(message: "broke", retryAfterMilliseconds: 0)))
        }

        private mutating func cancelOrWait() {
            if chance.below(4) == 0, next > 1 {
                say(.cancelled(Conversation.key(1 + chance.below(next - 1)), from: Conversation.client("alice")))
            }
            talk.now = talk.now.advanced(byMilliseconds: chance.below(300))
            say(.tick)
        }
    }

    @Test(arguments: 1...40) func everyQueryEndsOnce(seed: UInt64) {
        var world = World(seed: seed, gathers: seed % 3 == 0)
        for _ in 0..<600 { world.step() }
        world.talk.now = world.talk.now.advanced(byMilliseconds: 200_000)
        world.say(.tick)
        #expect(world.talk.machine.census.liveQueries == 0)
        // Refused at once, before it was accepted, is no ending.
        #expect(world.endings.values.allSatisfy { $0 == 1 })
        #expect(world.endings.keys.allSatisfy(world.accepted.contains))
        #expect(world.endings.count > 10)
    }
}

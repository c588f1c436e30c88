import Routing

/// What the router can say to a worker.
enum WorkerMessage {
    case welcome(heartbeatMilliseconds: UInt64)
    case refused(Failure)
    case assign(Assign)
    case withdraw(AssignmentID)
}

/// How a worker misbehaves, once per assignment at most.
enum Lie: CaseIterable {
    /// The last tokens again.
    case duplicate
    /// The ending again, and tokens after it.
    case stale
    /// A position left out.
    case gap
    /// The last tokens again, but others.
    case contradiction
    /// "Max tokens" before they are there.
    case early
    /// More than was asked for.
    case excess
    case refusal
    case failure
    /// A token id that is none.
    case nonsense
}

/// One worker process: an engine that makes tokens step by step, and the thread that talks.
struct WorkerModel {
    struct Running {
        var id: AssignmentID
        var model: ToyModel
        var position: Int
        var maxTokens: Int
        var stepsToPrefill: Int
        var lastSent: Generated?
        var isWithdrawn = false
        var lieAt: Int?
    }

    let index: Int
    let name: String
    let models: [String]
    /// Three ways in which an honest worker may be written.
    let acknowledgesUnknown: Bool
    let dropsAllWhenRefused: Bool
    let knowsModelsWhileLoading: Bool
    var numerics: String
    /// What the Hello says.
    var capacity: Int
    var stepMicroseconds: Int
    var link: Link

    var incarnation: UInt64 = 1
    /// Counts process starts; plans of an earlier process are void.
    var life = 0
    var isAlive = false
    var isLoaded = false
    var isWelcome = false
    var isDraining = false
    var frozenUntil = Instant(microseconds: 0)
    var stuckUntil = Instant(microseconds: 0)
    var lie: Lie?
    /// Since when nothing at all has been wrong with it, and the router had welcomed it as ready.
    var stableSince: Instant?
    /// When the router last took in a message of this process.
    var heardAt = Instant(microseconds: 0)
    /// When the last thing went wrong, or will have stopped going wrong.
    var troubledAt = Instant(microseconds: 0)

    var heartbeatMilliseconds: UInt64 = 500
    var progress: UInt64 = 0
    var running: [Running] = []
    var isStepPlanned = false
    /// What came while it was frozen.
    var inbox: [WorkerMessage] = []

    func hello() -> Hello {
        Hello(
            worker: name, incarnation: incarnation, numerics: numerics,
            models: (isLoaded || knowsModelsWhileLoading ? models : []).map {
                ModelHolding(
                    model: $0, sha256: "sha-\($0)", contextLength: ToyModel.contextLength,
                    vocabulary: ToyModel.vocabulary)
            }, capacity: capacity, ready: isLoaded)
    }

    mutating func take(_ assign: Assign, chance: inout SplitMix64) {
        running.append(
            Running(
                id: assign.assignment,
                model: ToyModel(
                    model: assign.model, numerics: numerics, seed: assign.sampling.seed, tokens: assign.tokens),
                position: assign.generatedBefore, maxTokens: assign.maxTokens,
                stepsToPrefill: 1 + assign.tokens.count / 32,
                lieAt: lie == nil ? nil : assign.generatedBefore + chance.below(6)))
    }

    /// One engine step: what to send, in order.
    mutating func step(chance: inout SplitMix64) -> [Event] {
        var events: [Event] = []
        let connection = WorkerConnection(routingID: link.routingID)
        if !running.isEmpty { progress += 1 }
        for place in running.indices {
            if running[place].isWithdrawn {
                events.append(.ended(Ended(assignment: running[place].id, kind: .withdrawn), from: connection))
            } else if running[place].stepsToPrefill > 0 {
                running[place].stepsToPrefill -= 1
            } else {
                events += advance(place, connection, chance: &chance)
            }
        }
        running.removeAll { $0.maxTokens < 0 || $0.isWithdrawn }
        return events
    }

    /// The next one to three tokens of one assignment. A finished one is marked by a negative `maxTokens`.
    private mutating func advance(_ place: Int, _ connection: WorkerConnection, chance: inout SplitMix64) -> [Event] {
        var one = running[place]
        defer { running[place] = one }
        if let lieAt = one.lieAt, one.position >= lieAt, let lie {
            one.lieAt = nil
            let events = tell(lie, &one, connection)
            if !events.isEmpty { return events }
        }
        var tokens: [Int32] = []
        let position = one.position
        var ending: Ended.Kind?
        for _ in 0..<chance.within(1...3) where ending == nil {
            if one.position >= one.maxTokens {
                ending = .maxTokens
            } else if let token = one.model.next() {
                tokens.append(token)
                one.position += 1
            } else {
                ending = .endToken
            }
        }
        var events: [Event] = []
        if !tokens.isEmpty {
            let generated = Generated(assignment: one.id, position: position, tokens: tokens)
            one.lastSent = generated
            events.append(.generated(generated, from: connection))
        }
        if let ending {
            let ended = Ended(assignment: one.id, kind: ending, generatedTokens: one.position)
            events.append(.ended(ended, from: connection))
            if lie == .stale, let last = one.lastSent {
                events.append(.generated(last, from: connection))
                events.append(.ended(ended, from: connection))
            }
            one.maxTokens = -1
        }
        return events
    }

    /// What the lie makes it send; empty where the lie needs something that is not there yet.
    private func tell(_ lie: Lie, _ one: inout Running, _ connection: WorkerConnection) -> [Event] {
        func end(_ kind: Ended.Kind) -> [Event] {
            defer { one.maxTokens = -1 }
            return [.ended(Ended(assignment: one.id, kind: kind, message: "lie"), from: connection)]
        }
        func send(position: Int, _ tokens: [Int32]) -> [Event] {
            [.generated(Generated(assignment: one.id, position: position, tokens: tokens), from: connection)]
        }
        switch lie {
        case .stale: return []
        case .duplicate: return one.lastSent.map { [.generated($0, from: connection)] } ?? []
        case .gap: return send(position: one.position + 1, [1])
        case .contradiction:
            return one.lastSent.map { send(position: $0.position, $0.tokens.map { ($0 + 1) % 251 }) } ?? []
        case .early: return one.position < one.maxTokens ? end(.maxTokens) : []
        case .excess: return send(position: one.position, Array(repeating: 1, count: one.maxTokens - one.position + 1))
        case .refusal: return end(.refused)
        case .failure: return end(.failed)
        case .nonsense: return send(position: one.position, [Int32(ToyModel.vocabulary)])
        }
    }
}

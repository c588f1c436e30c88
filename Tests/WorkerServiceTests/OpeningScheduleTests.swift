import Messaging
import Testing
import WorkerService

/// A worker whose experts come and go, and a trunk that hears of it late and in part: two ordered channels between them, and the
/// router's words on a third, each as slow as it likes.
private struct Schedule {
    private var random: SeededRandom
    private var openings = SetOpenings()
    /// What the worker holds, by id.
    private(set) var held: [UInt32]
    private var words: [[UInt32]] = []
    private var questions: [OpenSet] = []
    private var answers: [Answer] = []
    private(set) var refusals = 0

    private enum Answer {
        case opened(SetOpened)
        case refused
    }

    init(seed: UInt64) {
        random = SeededRandom(state: seed)
        held = [0, 1]
        words = [held]
    }

    /// The worker's experts change `changes` times; then everything that is on its way arrives.
    mutating func run(changes: Int) {
        var left = changes
        while left > 0 {
            switch random.next(below: 5) {
            case 0:
                left -= 1
                held = (0..<5).filter { $0 < 2 || random.next(below: 2) == 0 }
                words.append(held)
            case 1: hear()
            case 2: read()
            case 3: take()
            default: ask()
            }
        }
        while !words.isEmpty || !questions.isEmpty || !answers.isEmpty
            || !openings.due(nowMicroseconds: 0).isEmpty
        {
            hear()
            ask()
            read()
            take()
        }
    }

    func serves(_ id: UInt32) -> Bool { openings.serves(Int(id), of: 1) }
    var isSettling: Bool { openings.isSettling }

    /// The router's words are shown on a board: of several only the last is seen.
    private mutating func hear() {
        guard !words.isEmpty else { return }
        let seen = random.next(below: words.count) + 1
        let last = words[seen - 1]
        words.removeFirst(seen)
        let isDoneElsewhere = random.next(below: 2) == 0
        openings.hear(last.map { SetExpert(id: $0, expert: "e\($0)", sha256: "s") }, of: 1) { _ in isDoneElsewhere }
    }

    private mutating func ask() {
        for due in openings.due(nowMicroseconds: 0) {
            let question = OpenSet(set: 1, nonce: [UInt8(random.next(below: 256))], worker: "w", experts: due.experts)
            questions.append(question)
            openings.asked(question, nowMicroseconds: 0)
        }
    }

    private mutating func read() {
        guard !questions.isEmpty else { return }
        let question = questions.removeFirst()
        let isHeld = question.experts.allSatisfy { held.contains($0.id) }
        answers.append(isHeld ? .opened(SetOpened(set: 1, nonce: question.nonce, worker: "w")) : .refused)
    }

    private mutating func take() {
        guard !answers.isEmpty else { return }
        switch answers.removeFirst() {
        case .opened(let answer):
            let isTaken = openings.take(answer)
            #expect(isTaken)
        case .refused:
            refusals += 1
            _ = openings.refused(1)
        }
    }
}

/// SplitMix64: the same schedule from the same seed.
private struct SeededRandom {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}

@Suite("Trunk: opening sets, in every order of messages") struct OpeningScheduleTests {
    @Test("whatever came when, in the end everything is open that the worker holds")
    func convergence() {
        var refusals = 0
        for seed in 0..<5000 as Range<UInt64> {
            var schedule = Schedule(seed: seed)
            schedule.run(changes: 8)
            refusals += schedule.refusals
            #expect(schedule.held.allSatisfy(schedule.serves), "seed \(seed)")
            #expect(!schedule.isSettling, "seed \(seed)")
        }
        #expect(refusals > 1000, "the orders in which it matters came up")
    }
}

import RouterService
import Testing

@Suite("The steps of a move") struct ShareMoveTests {
    /// Workers with room for so many experts each, and one more on the way.
    private struct Workers {
        var held: [String: Set<String>]
        let room: Int
        var holds = 0
        var most = 0
        /// Experts that were with nobody who could be asked, after some step.
        var nowhere: Set<String> = []

        /// Does what the move says to its end. Returns how it ends.
        mutating func run(_ move: inout ShareMove) -> ShareMove.Step {
            let all = Set(held.values.joined())
            // What the trunk has seen last: what came since cannot be asked yet.
            var known = held
            for _ in 0..<10_000 {
                switch move.next() {
                case .hold(let worker, let experts):
                    guard experts.count <= room + 1 else {
                        if move.isFull() { continue }
                        return .stuck([worker])
                    }
                    held[worker] = Set(experts)
                    holds += 1
                    most = max(most, experts.count)
                    move.took()
                case .route(let places):
                    known = places.mapValues { Set($0) }
                    move.took()
                case let end: return end
                }
                let open = held.reduce(into: Set<String>()) { open, worker in
                    open.formUnion(worker.value.intersection(known[worker.key] ?? []))
                }
                nowhere.formUnion(all.subtracting(open))
            }
            return .stuck(["without end"])
        }
    }

    private static let swap = (
        before: ["a": ["0", "1", "2", "3"], "b": ["4", "5", "6", "7"]],
        after: ["a": ["4", "5", "6", "7"], "b": ["0", "1", "2", "3"]]
    )

    private func ending(
        _ before: [String: [String]], _ after: [String: [String]], room: Int
    ) -> (step: ShareMove.Step, workers: Workers, move: ShareMove) {
        var move = ShareMove(before: before, after: after)
        var workers = Workers(held: before.mapValues { Set($0) }, room: room)
        let step = workers.run(&move)
        return (step, workers, move)
    }

    private func has(_ workers: Workers, _ after: [String: [String]]) -> Bool {
        after.allSatisfy { workers.held[$0.key]?.isSuperset(of: $0.value) ?? false }
    }

    @Test("with room for both, everybody takes everything on before anybody lets go")
    func roomForBoth() {
        let (step, workers, move) = ending(Self.swap.before, Self.swap.after, room: 8)
        #expect(step == .done && has(workers, Self.swap.after))
        #expect(workers.holds == 2 && move.losing == ["a", "b"] && workers.nowhere.isEmpty)
    }

    @Test("full workers swap within one more than their room, and no expert is ever nowhere", arguments: 4...7)
    func full(_ room: Int) {
        let (step, workers, _) = ending(Self.swap.before, Self.swap.after, room: room)
        #expect(step == .done && has(workers, Self.swap.after))
        #expect(workers.most <= room + 1 && workers.nowhere.isEmpty)
    }

    @Test("three full workers pass all their experts on in a ring")
    func ring() {
        let before = ["a": ["0", "1"], "b": ["2", "3"], "c": ["4", "5"]]
        let after = ["a": ["4", "5"], "b": ["0", "1"], "c": ["2", "3"]]
        let (step, workers, _) = ending(before, after, room: 2)
        #expect(step == .done && has(workers, after) && workers.most == 3 && workers.nowhere.isEmpty)
    }

    @Test("what has a replica is let go of first where there is no room at all")
    func replica() {
        // Room for no more than it has, not even on the way: `room` counts one less.
        let before = ["a": ["0", "1"], "b": ["1", "2"]]
        let after = ["a": ["0", "2"], "b": ["1", "2"]]
        let (step, workers, _) = ending(before, after, room: 1)
        #expect(step == .done && has(workers, after) && workers.nowhere.isEmpty)
    }

    @Test("without room and without replicas it is stuck, says who is, and every expert is where it was")
    func stuck() {
        let (step, workers, _) = ending(Self.swap.before, Self.swap.after, room: 3)
        #expect(step == .stuck(["a", "b"]))
        #expect(workers.held == Self.swap.before.mapValues { Set($0) })
    }

    @Test("where nobody has anything to load, the trunk is asked for what is to be, before anybody lets go")
    func onlyLosses() {
        let after = ["a": ["0", "1", "2", "3"], "b": ["4", "5", "6"]]
        var move = ShareMove(before: Self.swap.before, after: after)
        #expect(move.next() == .route(after))
        move.took()
        #expect(move.next() == .done && move.losing == ["b"])
    }
}

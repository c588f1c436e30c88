import Logging
import Messaging
import Routing
import Threading

// A mixture's experts move, step by step as `ShareMove` says: those who are to have more load it aside, one after the other, then the trunk
// says that it finds every expert where it is to be; where there was no room for everything at once, those who have too much let go, and
// it begins again. Then the manifest says so, and only then the last goes. Running requests go on meanwhile: the trunk's set is the same,
// only who can be asked for it changes, between two waits.
extension RouterShell {
    func beginMove(_ change: ChangeExperts, from client: ClientConnection) throws(Messaging.Failure) {
        let plan = publishing.plan
        let model = try plan.spreadModel(of: change)
        let workers = machine.connectedWorkers
        let move = try plan.move(change, of: model, among: workers)
        let trunk = try trunk(of: model, change, workers)
        let before = publishing.model(model)
        var after = before
        after.version += 1
        after.shares = move.after
        publishing.inHand = ChangeInHand(
            change: change, client: client, model: model, before: before, after: after, worker: "", trunk: trunk,
            stage: .holding, move: move, request: 0, deadlineMicroseconds: ChangeInHand.nextDeadline)
        continueMove()
    }

    func continueMove() {
        guard let inHand = publishing.inHand, var move = inHand.move else { return }
        let step = move.next()
        publishing.inHand?.move = move
        switch step {
        case .hold(let worker, let experts):
            publishing.inHand?.stage = .holding
            publishing.inHand?.asked.insert(worker)
            // What it holds now, and what it is to have in the end, which must fit by itself.
            ask(worker, isTrunk: false, inHand.before.with(shares: [worker: experts])) { arrangement in
                arrangement.shares.append(PlacedShare(worker: worker, experts: move.after[worker] ?? []))
            }
        case .route(let places):
            publishing.inHand?.stage = .routing
            ask(inHand.trunk.name, isTrunk: true, inHand.before.with(shares: places))
        case .done: finish(inHand)
        case .stuck(let workers):
            fail(
                .workerFull,
                "\(workers.joined(separator: ", ")) can take on none of the experts that it is to have, and nobody can let go of one"
            )
        }
    }

    /// What the one that was asked has said.
    ///
    /// - Returns: whether the move goes on.
    func isMoveGoingOn(_ arranged: ExpertsArranged) -> Bool {
        guard let kind = arranged.kind else {
            publishing.inHand?.move?.took()
            return true
        }
        // Full is a worker that has no room for what it is to have in the end; busy one that has none for it now.
        return kind == .busy && publishing.inHand?.move?.isFull() ?? false
    }

    /// Every expert has its place: what is nobody's any more can go.
    func letGo(_ move: ShareMove, _ done: ChangeInHand) {
        for worker in move.losing {
            tell(worker, isTrunk: false, done.model, done.after, request: 0, trunkSHA256: "")
        }
        let counts = move.after.sorted { $0.key < $1.key }.map { "\($0.key) has \($0.value.count)" }
        log.info("experts of \(done.model), version \(done.after.version): \(counts.joined(separator: ", "))")
    }

    /// Those who were asked are to have what they had. Where nobody had let go of anything yet, every expert keeps its place meanwhile.
    func goBack(_ move: ShareMove, _ failed: ChangeInHand) {
        for worker in failed.asked.sorted() {
            tell(
                worker, isTrunk: false, failed.model, failed.before.with(shares: move.before), request: 0,
                trunkSHA256: "")
        }
    }

    /// A change whose worker or trunk is gone comes to nothing at once; one that is back on another connection does not know of it.
    func endChangeOfTheLost() {
        guard let inHand = publishing.inHand, inHand.stage != .uploading else { return }
        let there = machine.connectedWorkers
        if let asked = inHand.connection, !there.contains(where: { $0.connection == asked }) {
            let name = inHand.stage == .routing ? inHand.trunk.name : inHand.lastAsked
            return fail(.workerLost, "worker \(name) is gone")
        }
        if let lost = inHand.move?.workers.first(where: { name in !there.contains { $0.name == name } }) {
            fail(.workerLost, "worker \(lost) is gone")
        }
    }
}

extension ExpertsManifest.Model {
    fileprivate func with(shares: [String: [String]]) -> Self {
        var model = self
        model.shares = shares
        return model
    }
}

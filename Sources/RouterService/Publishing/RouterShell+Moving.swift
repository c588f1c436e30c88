import Logging
import Messaging
import Routing
import Threading

// A mixture's experts move: first those who are to have more load it aside, one after the other, then the trunk says that it finds every
// expert where it is to be, then the manifest says so, and only then those who have too much let go. Running requests go on meanwhile:
// the trunk's set is the same, only who can be asked for it changes, between two waits.
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
            stage: .holding, move: move, waiting: move.gaining, request: 0,
            deadlineMicroseconds: MonotonicClock.nowMicroseconds + ChangeInHand.patienceMicroseconds)
        askNextHolder()
    }

    func askNextHolder() {
        guard let inHand = publishing.inHand, let move = inHand.move else { return }
        guard let worker = inHand.waiting.first else {
            publishing.inHand?.stage = .routing
            return ask(inHand.trunk.name, isTrunk: true)
        }
        publishing.inHand?.waiting.removeFirst()
        publishing.inHand?.asked.append(worker)
        ask(worker, isTrunk: false, inHand.before.with(shares: move.both))
    }

    /// Every expert has its place: what is nobody's any more can go.
    func letGo(_ move: ShareMove, _ done: ChangeInHand) {
        for worker in move.losing {
            tell(worker, isTrunk: false, done.model, done.after, request: 0, trunkSHA256: "")
        }
        let counts = move.after.sorted { $0.key < $1.key }.map { "\($0.key) has \($0.value.count)" }
        log.info("experts of \(done.model), version \(done.after.version): \(counts.joined(separator: ", "))")
    }

    /// Those who had begun are to have what they had.
    func goBack(_ move: ShareMove, _ failed: ChangeInHand) {
        for worker in failed.asked {
            tell(
                worker, isTrunk: false, failed.model, failed.before.with(shares: move.before), request: 0,
                trunkSHA256: "")
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

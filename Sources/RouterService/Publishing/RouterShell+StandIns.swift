import Logging
import Messaging
import Routing

// A worker is lost: others read its experts from the store. It is back: they let them go.
extension RouterShell {
    /// At the end of a turn in which workers came, went or changed.
    func placeStandIns() {
        guard publishing.hasNewWorkers, !isDraining else { return }
        publishing.hasNewWorkers = false
        let before = publishing.standIns
        for worker in publishing.standIns.update(machine.connectedWorkers, publishing.plan, publishing.manifest) {
            let names = publishing.standIns.placed(on: worker).map(\.expert)
            if names.isEmpty {
                let former = before.placed(on: worker).map(\.expert).joined(separator: ", ")
                log.info("worker \(worker) need not hold \(former) in place of another any more")
            } else {
                log.warning("worker \(worker) is to hold \(names.joined(separator: ", ")) in place of one that is lost")
            }
            handle(.expertsGranted(names, worker: worker))
            guard let model = publishing.plan.holder(worker)?.model else { continue }
            publishing.lastRequest += 1
            publishing.standInRequests[publishing.lastRequest] = worker
            tell(
                worker, isTrunk: false, model, publishing.model(model), request: publishing.lastRequest,
                trunkSHA256: "")
        }
    }

    /// Whether the answer was one to `placeStandIns`.
    func standInsArranged(_ arranged: ExpertsArranged) -> Bool {
        guard let worker = publishing.standInRequests.removeValue(forKey: arranged.request) else { return false }
        guard let kind = arranged.kind else { return true }
        log.error("worker \(worker) cannot hold experts in place of another: \(kind): \(arranged.message)")
        publishing.standIns.refused(by: worker)
        publishing.hasNewWorkers = true
        return true
    }
}

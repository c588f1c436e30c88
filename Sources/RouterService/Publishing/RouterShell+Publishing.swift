import Logging
import Messaging
import Routing
import Threading

// Experts that come and go while the cluster runs: first a worker holds, then the trunk routes, then the manifest says so, then the
// operator hears of it. What fails on the way is undone in the same order; running requests see nothing of it.
extension RouterShell {
    func change(_ change: ChangeExperts, from client: ClientConnection) {
        do throws(Messaging.Failure) {
            guard publishing.inHand == nil else {
                throw Messaging.Failure(
                    id: change.id, kind: .busy, message: "another change of experts is under way; try again",
                    retryAfterMilliseconds: 500)
            }
            if change.change == .place { try beginMove(change, from: client) } else { try begin(change, from: client) }
        } catch {
            log.warning("change of experts (\(change.change) \(change.expert)) refused: \(error.description)")
            answer(.failure(error), to: client)
        }
    }

    private func begin(_ change: ChangeExperts, from client: ClientConnection) throws(Messaging.Failure) {
        let plan = publishing.plan
        let model = try plan.model(of: change)
        let before = publishing.model(model)
        // Refuses by name before it looks for a place.
        _ = try plan.applying(change, to: before, of: model, worker: "")
        let workers = machine.connectedWorkers
        let trunk = try trunk(of: model, change, workers)
        let worker = change.change == .publish ? try plan.holder(for: change, of: model, among: workers) : ""
        let after = try plan.applying(change, to: before, of: model, worker: worker)
        publishing.inHand = ChangeInHand(
            change: change, client: client, model: model, before: before, after: after, worker: worker, trunk: trunk,
            stage: change.change == .publish ? .uploading : .routing, request: 0,
            deadlineMicroseconds: ChangeInHand.nextDeadline)
        if change.change == .publish {
            try beginUpload(change, from: client)
        } else {
            ask(trunk.name, isTrunk: true)
        }
    }

    private func beginUpload(_ change: ChangeExperts, from client: ClientConnection) throws(Messaging.Failure) {
        let inbox = inbox
        do throws(ThreadingError) {
            let upload = try ContentUpload { inbox.post(.reply(.contentRequest($0), client)) }
            publishing.inHand?.upload = upload
            try upload.start(change, into: publishing.content) { inbox.post(.uploaded(change.id, $0)) }
        } catch {
            publishing.inHand = nil
            throw Messaging.Failure(id: change.id, kind: .internal, message: error.description)
        }
    }

    /// The content is here, or does not come.
    func uploaded(_ id: Messaging.QueryID, _ result: Result<String, Messaging.Failure>) {
        guard var inHand = publishing.inHand, inHand.change.id == id, inHand.stage == .uploading else { return }
        do throws(Messaging.Failure) {
            inHand.change.folder = try result.get()
            inHand.after = try publishing.plan.applying(
                inHand.change, to: inHand.before, of: inHand.model, worker: inHand.worker)
        } catch { return fail(error.kind, error.message) }
        inHand.stage = .holding
        inHand.upload = nil
        publishing.inHand = inHand
        handle(.expertsGranted([inHand.change.expert], worker: inHand.worker))
        ask(inHand.worker, isTrunk: false)
    }

    /// Parts are taken from whoever publishes, and nobody else.
    func takeContent(_ part: ContentPart, _ tensors: [Tensor], from client: ClientConnection) {
        guard let inHand = publishing.inHand, inHand.client == client else { return }
        inHand.upload?.deliver(part, tensors)
    }

    /// Sets are versioned by one trunk; several would change one after the other.
    func trunk(
        of model: String, _ change: ChangeExperts, _ workers: [ConnectedWorker]
    ) throws(Messaging.Failure) -> ConnectedWorker {
        let trunks = workers.filter { $0.isReady && $0.models.contains { $0.model == model && $0.routed } }
        guard let trunk = trunks.first else {
            throw Messaging.Failure(
                id: change.id, kind: .noWorker, message: "no trunk of \(model) is ready; see skein status")
        }
        guard trunks.count == 1 else {
            throw Messaging.Failure(
                id: change.id, kind: .invalidParameter,
                message: "\(trunks.count) workers serve the trunk of \(model); experts can be published where one does")
        }
        return trunk
    }

    /// - Parameter manifest: what is to hold; that after the change, unless something else comes first.
    /// - Parameter complete: adds to what the manifest says.
    func ask(
        _ worker: String, isTrunk: Bool, _ manifest: ExpertsManifest.Model? = nil,
        complete: (inout ArrangeExperts) -> Void = { _ in }
    ) {
        publishing.lastRequest += 1
        publishing.inHand?.request = publishing.lastRequest
        publishing.inHand?.lastAsked = worker
        publishing.inHand?.deadlineMicroseconds = ChangeInHand.nextDeadline
        guard let inHand = publishing.inHand else { return }
        let connection = tell(
            worker, isTrunk: isTrunk, inHand.model, manifest ?? inHand.after, request: inHand.request,
            trunkSHA256: inHand.trunkSHA256, complete: complete)
        publishing.inHand?.connection = connection
        if connection == nil { fail(.workerLost, "worker \(worker) is gone") }
    }

    /// - Returns: the connection that it went to; nil where the worker is gone.
    @discardableResult
    func tell(
        _ worker: String, isTrunk: Bool, _ model: String, _ manifest: ExpertsManifest.Model, request: UInt64,
        trunkSHA256: String, complete: (inout ArrangeExperts) -> Void = { _ in }
    ) -> WorkerConnection? {
        guard let connection = machine.connectedWorkers.first(where: { $0.name == worker })?.connection else {
            return nil
        }
        var arrangement = publishing.plan.arrangement(
            for: worker, isTrunk: isTrunk, of: model, manifest, request: request, trunkSHA256: trunkSHA256,
            standIns: publishing.standIns.placed(on: worker))
        complete(&arrangement)
        send(Envelope(.arrangeExperts(arrangement)), to: connection)
        return connection
    }

    // MARK: Answers

    func arranged(_ arranged: ExpertsArranged, from connection: WorkerConnection) {
        if standInsArranged(arranged) { return }
        guard let inHand = publishing.inHand, arranged.request == inHand.request, arranged.request != 0 else {
            if let kind = arranged.kind {
                log.error("a worker does not have its experts as the manifest says: \(kind): \(arranged.message)")
            }
            return
        }
        if inHand.move != nil, isMoveGoingOn(arranged) { return continueMove() }
        if let kind = arranged.kind { return fail(kind, arranged.message) }
        switch inHand.stage {
        case .uploading: break
        case .holding:
            publishing.inHand?.stage = .routing
            ask(inHand.trunk.name, isTrunk: true)
        case .routing: finish(inHand)
        }
    }

    func finish(_ done: ChangeInHand) {
        var manifest = publishing.manifest
        manifest.models[done.model] = done.after
        do throws(ManifestError) { try manifest.write(to: publishing.path) } catch {
            return fail(.internal, error.description)
        }
        publishing.manifest = manifest
        publishing.inHand = nil
        publishing.shadows.forget(done.model)
        if let move = done.move { letGo(move, done) }
        cleanContent()
        if done.change.change == .retire {
            tellHolders(of: done.change.expert, done.model, done.after, done.trunkSHA256)
        }
        let names = publishing.plan.names(of: done.model, done.after)
        if done.move == nil {
            log.info("experts of \(done.model), version \(done.after.version): \(names.joined(separator: ", "))")
        }
        answer(
            .expertsChanged(
                ExpertsChanged(
                    id: done.change.id, model: done.model, version: done.after.version, worker: done.worker,
                    experts: names)),
            to: done.client)
    }

    /// They may drop it: the trunk begins nothing new with it, and what runs has its set open.
    private func tellHolders(of expert: String, _ model: String, _ manifest: ExpertsManifest.Model, _ sha256: String) {
        for worker in machine.connectedWorkers where worker.experts.contains(where: { $0.expert == expert }) {
            guard publishing.plan.holder(worker.name)?.model == model else { continue }
            tell(worker.name, isTrunk: false, model, manifest, request: 0, trunkSHA256: sha256)
        }
    }

    /// What no version of a set names any more, and what came for a change that was refused.
    func cleanContent() { content.clean(publishing.content, keeping: publishing.contentInUse) }

    func fail(_ kind: Messaging.FailureKind, _ message: String) {
        guard let inHand = publishing.inHand else { return }
        publishing.inHand = nil
        inHand.upload?.abandon()
        if let move = inHand.move { goBack(move, inHand) }
        // Whoever had begun goes back; it is the same list as before, so that this cannot fail for want of anything.
        if inHand.change.change == .publish, inHand.stage != .uploading {
            tell(
                inHand.worker, isTrunk: false, inHand.model, inHand.before, request: 0, trunkSHA256: inHand.trunkSHA256)
        }
        if inHand.stage == .routing, inHand.move == nil {
            tell(
                inHand.trunk.name, isTrunk: true, inHand.model, inHand.before, request: 0,
                trunkSHA256: inHand.trunkSHA256)
        }
        cleanContent()
        log.warning("\(inHand.what) refused: \(kind): \(message)")
        answer(.failure(Messaging.Failure(id: inHand.change.id, kind: kind, message: message)), to: inHand.client)
    }

    /// The moment by which the change in hand must have come to an end.
    func endOverdueChange(nowMicroseconds: UInt64) -> UInt64? {
        guard let inHand = publishing.inHand else { return nil }
        if nowMicroseconds < inHand.deadlineMicroseconds { return inHand.deadlineMicroseconds }
        fail(
            .workerLost,
            "\(inHand.stage == .uploading ? "the operator" : inHand.lastAsked) did not answer in time"
        )
        return nil
    }

    // MARK: Registration

    /// A worker that is welcome on a new connection hears what the manifest says before anything else.
    func tellManifest(to hello: Messaging.Hello, on connection: WorkerConnection) {
        guard publishing.told[hello.worker] != connection else { return }
        publishing.told[hello.worker] = connection
        publishing.standIns.greet(hello.worker, holding: hello.experts.filter(\.standIn).map(\.sha256))
        for (model, manifest) in publishing.manifest.models.sorted(by: { $0.key < $1.key })
        where !manifest.isAsInTopology {
            let isTrunk = publishing.plan.isTrunk(hello.worker, of: model)
            let isShareholder = !publishing.plan.shares(for: hello.worker, isTrunk: false, manifest).isEmpty
            // The trunk of a mixture finds its experts wherever they are.
            guard
                manifest.shares == nil ? isTrunk || publishing.plan.holder(hello.worker)?.model == model : isShareholder
            else { continue }
            let arrangement = publishing.plan.arrangement(
                for: hello.worker, isTrunk: isTrunk, of: model, manifest, request: 0, trunkSHA256: "",
                standIns: publishing.standIns.placed(on: hello.worker))
            send(Envelope(.arrangeExperts(arrangement)), to: connection)
        }
    }
}

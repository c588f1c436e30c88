import Logging
import Messaging
import Routing

// What workers say.
extension RouterShell {
    func receiveControl(_ received: Received) {
        let connection = WorkerConnection(routingID: received.routingID)
        do throws(WireError) {
            let envelope = try Envelope(frames: received.frames)
            guard let identity = received.userID.flatMap(Identity.init(userID:)) else {
                return refuse(connection, .forbidden, "the connection has no identity")
            }
            if received.sourceDescriptor >= 0 { workersByDescriptor[received.sourceDescriptor] = connection }
            receive(envelope.message, from: connection, identity)
        } catch {
            refuse(connection, .malformed, error.description)
        }
    }

    /// A worker never sends that much; whoever does is not one.
    func dropOversize(_ oversize: Oversize) {
        refuse(WorkerConnection(routingID: oversize.routingID), .oversize, "\(oversize.frames) frames in one message")
    }

    func connectionBroke(descriptor: Int32) {
        guard let connection = workersByDescriptor.removeValue(forKey: descriptor) else { return }
        handle(.workerDisconnected(connection))
    }

    private func receive(_ message: Messaging.Message, from connection: WorkerConnection, _ identity: Identity) {
        guard identity.allows(.worker) else {
            return refuse(connection, .forbidden, "the key of \(identity.name) is no worker's")
        }
        switch message {
        case .hello(let hello):
            guard !identity.hasKey || identity.name == hello.worker else {
                return refuse(
                    connection, .forbidden, "the key of \(identity.name) cannot speak for worker \(hello.worker)")
            }
            greeting = hello
            handle(.hello(.init(hello), from: connection))
            greeting = nil
        case .heartbeat(let heartbeat): handle(.heartbeat(.init(heartbeat), from: connection))
        case .goodbye(let goodbye):
            handle(.goodbye(incarnation: goodbye.incarnation, reason: goodbye.reason, from: connection))
        case .routingReport(let report): routing.add(report)
        case .generated(let generated): handle(.generated(.init(generated), from: connection))
        case .shadowReport(let report):
            guard publishing.plan.experts[report.model] != nil else { return }
            publishing.shadows.add(report)
        case .contentRequest(let request):
            let job = ContentServer.Job(
                request: request, place: publishing.place(of: request.sha256), connection: connection)
            if !content.read(job) {
                send(ContentReader.refusal(of: request, "the router has too much to read; try again"), to: connection)
            }
        case .expertsArranged(let arranged): self.arranged(arranged, from: connection)
        case .ended(let ended): handle(.ended(.init(ended), from: connection))
        default: refuse(connection, .forbidden, "this message has no business on the control socket")
        }
    }

    private func refuse(_ connection: WorkerConnection, _ kind: Routing.FailureKind, _ message: String) {
        log.warning("control socket: \(message)")
        perform(.refuseWorker(connection, Routing.Failure(kind, message)))
    }
}

import Logging
import Messaging
import Routing
import Threading
import Topology

// The graph of an edited topology file, taken as a whole or not at all.
extension RouterShell {
    /// The file is read elsewhere; until it is, the loop serves, and another reload is refused.
    func reloadGraph(_ change: ChangeExperts, from client: ClientConnection) {
        guard !isReloading else {
            return refuseReload(
                change.id, client, .busy, "the graph is being reloaded already; try again", retryAfterMilliseconds: 500)
        }
        let (running, before, inbox, id) = (self.topology, self.reading, self.inbox, change.id)
        do throws(ThreadingError) {
            isReloading = true
            _ = try NamedThread(name: "reload") {
                let edited = Result { () throws(RefusedGraph) in try EditedGraph(replacing: running, before) }
                inbox.postWaiting(.edited(id, client, edited))
            }
        } catch {
            isReloading = false
            refuseReload(change.id, client, .internal, error.description)
        }
    }

    /// From the thread that has read the file.
    func edited(_ id: Messaging.QueryID, _ client: ClientConnection, _ result: Result<EditedGraph, RefusedGraph>) {
        isReloading = false
        switch result {
        case .failure(let obstacle): refuseReload(id, client, .invalidParameter, obstacle.description)
        case .success(let edited):
            topology = edited.topology
            reading = edited.reading
            handle(.graphChanged(edited.graph))
            let nodes = topology.nodes.map(\.name)
            log.info("took the graph of \(topology.path): \(nodes.count) nodes, \(topology.edges.count) edges")
            answer(.expertsChanged(ExpertsChanged(id: id, experts: nodes)), to: client)
        }
    }

    private func refuseReload(
        _ id: Messaging.QueryID, _ client: ClientConnection, _ kind: Messaging.FailureKind, _ message: String,
        retryAfterMilliseconds: UInt64 = 0
    ) {
        log.warning("the edited graph is refused: \(message)")
        let failure = Messaging.Failure(
            id: id, kind: kind, message: "the graph stays as it was: \(message)",
            retryAfterMilliseconds: retryAfterMilliseconds)
        answer(.failure(failure), to: client)
    }
}

import Logging
import Messaging
import Routing
import Topology

// The graph of an edited topology file, taken as a whole or not at all.
extension RouterShell {
    func reloadGraph(_ change: ChangeExperts, from client: ClientConnection) {
        do {
            let edited = try ClusterTopology(contentsOf: topology.path)
            try edited.verifyFiles()
            if let obstacle = topology.obstacle(toReloading: edited) { throw Obstacle(description: obstacle) }
            topology = edited
            reading.take(edited)
            handle(.graphChanged(NodeGraph(edited)))
            log.info("took the graph of \(edited.path): \(edited.nodes.count) nodes, \(edited.edges.count) edges")
            answer(
                .expertsChanged(ExpertsChanged(id: change.id, experts: edited.nodes.map(\.name))), to: client)
        } catch {
            log.warning("the edited graph is refused: \(error)")
            let failure = Messaging.Failure(
                id: change.id, kind: .invalidParameter, message: "the graph stays as it was: \(error)")
            answer(.failure(failure), to: client)
        }
    }

    private struct Obstacle: Error, CustomStringConvertible { let description: String }
}

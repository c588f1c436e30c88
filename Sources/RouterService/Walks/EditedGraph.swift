import Routing
import Topology

/// The graph of an edited topology file, read and checked on a thread of its own: a disk may be slow and a file long, the router's loop
/// may not.
struct EditedGraph: Sendable {
    let topology: ClusterTopology
    let reading: QueryReading
    let graph: NodeGraph

    /// - Parameters:
    ///   - running: the topology that the cluster goes by.
    ///   - reading: how its queries are read.
    /// - Throws: `RefusedGraph`: the file is none, names files that are not there, or changes what processes hold since their start.
    init(replacing running: ClusterTopology, _ reading: QueryReading) throws(RefusedGraph) {
        let edited: ClusterTopology
        do throws(TopologyError) {
            edited = try ClusterTopology(contentsOf: running.path)
            try edited.verifyFiles()
        } catch { throw RefusedGraph(description: "\(error)") }
        if let obstacle = running.obstacle(toReloading: edited) { throw RefusedGraph(description: obstacle) }
        var reading = reading
        reading.take(edited)
        topology = edited
        self.reading = reading
        graph = NodeGraph(edited)
    }
}

/// Why a running cluster does not take an edited graph.
struct RefusedGraph: Error, CustomStringConvertible {
    let description: String
}

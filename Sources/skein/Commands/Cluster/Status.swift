import ArgumentParser
import Client
import Launcher
import Messaging
import Topology

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows the processes, workers and nodes of a cluster.")

    @Argument(help: "The topology file.") var topologyFile: String?
    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        var cluster = cluster
        if let topologyFile { cluster.topology = topologyFile }
        let topology = cluster.socket == nil ? try cluster.loadTopology() : nil
        do {
            let client = try await cluster.connect()
            defer { client.close() }
            try show(try await client.status(), topology)
        } catch {
            // The router is what cannot be reached; what this machine knows may say why.
            if let topology, !json { print(StatusText.processes(Launcher.localStatus(topology))) }
            throw error
        }
    }

    private func show(_ status: StatusReply, _ topology: ClusterTopology?) throws {
        if json { return try JSONOutput.print(StatusJSON(status, topology)) }
        print(topology.map { StatusText.whole(status, $0) } ?? StatusText.table(status))
    }
}

import ArgumentParser
import Client
import Foundation
import Messaging
import Topology

/// Which cluster a command talks to: a topology file, or a socket.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cluster's topology file (default: $SKEIN_TOPOLOGY, or topology/quickstart.yaml).", valueName: "file"))
    var topology: String?

    @Option(help: ArgumentHelp("The router's front endpoint, instead of a topology.", valueName: "endpoint"))
    var socket: String?

    @Option(help: ArgumentHelp("The client's secret key file, for a TCP endpoint.", valueName: "file"))
    var key: String?

    @Option(name: .customLong("server-key"), help: ArgumentHelp("The router's public key file.", valueName: "file"))
    var serverKey: String?

    func loadTopology() throws -> ClusterTopology {
        let named = topology ?? ProcessInfo.processInfo.environment["SKEIN_TOPOLOGY"]
        return try ClusterTopology(contentsOf: named ?? "topology/quickstart.yaml")
    }

    func connect() async throws -> RouterClient { try await frontDoor().connect() }

    /// The PUB stream; only a topology says where it is.
    func statisticsFeed() throws -> StatisticsFeed {
        guard socket == nil else {
            throw CommandFailure.usage("--watch needs a topology: the statistics stream has an endpoint of its own")
        }
        let topology = try loadTopology()
        let endpoint = try Messaging.Endpoint(topology.router.statistics.advertise.description)
        return try StatisticsFeed(
            endpoint,
            security: try FrontDoor.security(
                of: endpoint, topology.security, key: key, serverKey: serverKey))
    }

    func frontDoor() throws -> FrontDoor {
        guard topology == nil || socket == nil else {
            throw CommandFailure.usage("--topology and --socket name the same thing; give one of them")
        }
        guard let socket else { return try FrontDoor(try loadTopology(), key: key, serverKey: serverKey) }
        let endpoint: Messaging.Endpoint
        do { endpoint = try Messaging.Endpoint(socket) } catch { throw CommandFailure.usage(error.description) }
        return FrontDoor(
            endpoint: endpoint, security: try FrontDoor.security(of: endpoint, nil, key: key, serverKey: serverKey))
    }
}

import Client
import Foundation
import Messaging
import Topology

/// The router's front socket and the key to it.
struct FrontDoor {
    let endpoint: Messaging.Endpoint
    let security: ConnectorSecurity
    /// Why the cluster's launcher gave up, where one did.
    var lastEnd: String?

    /// Says at once where there is nothing to connect to, and speaks of keys only where there can be any.
    func connect() async throws -> RouterClient {
        if case .ipc(let path) = endpoint, !FileManager.default.fileExists(atPath: path) {
            throw ClientError.unreachable(
                endpoint,
                hint: (lastEnd.map { "the cluster ended: \($0); " } ?? "there is no such socket; ")
                    + "start the cluster (skein launch)")
        }
        do { return try await RouterClient.connect(endpoint, security: security) } catch {
            guard endpoint.isLocal, case ClientError.unreachable = error else { throw error }
            let hint =
                "its socket is there, but the router is gone, stopped or busy; end it (skein stop) and launch again"
            throw ClientError.unreachable(endpoint, hint: hint)
        }
    }
}

extension FrontDoor {
    init(_ topology: ClusterTopology, key: String? = nil, serverKey: String? = nil) throws {
        endpoint = try Messaging.Endpoint(topology.router.front.advertise.description)
        security = try Self.security(of: endpoint, topology.security, key: key, serverKey: serverKey)
        lastEnd = try? String(contentsOfFile: topology.paths.lastEndFile, encoding: .utf8)
    }

    static func security(
        of endpoint: Messaging.Endpoint, _ entry: SecurityEntry?, key: String?, serverKey: String?
    ) throws -> ConnectorSecurity {
        guard !endpoint.isLocal, entry?.insecure != true else {
            try refuseKeys(endpoint, key, serverKey)
            return .none
        }
        let own = key ?? entry?.clientKeyFile
        let server = serverKey ?? entry?.serverPublicKeyFile
        if let own, let server { return .curve(own: try KeyFile.readPair(own), server: try KeyFile.readPublic(server)) }
        // A router may be insecure on purpose; without keys it is the only one that answers.
        guard own == nil || entry != nil else { throw CommandFailure.usage("--key and --server-key belong together") }
        return .none
    }

    /// Who names a key expects it to be shown.
    private static func refuseKeys(_ endpoint: Messaging.Endpoint, _ key: String?, _ serverKey: String?) throws {
        guard let flag = key != nil ? "--key" : serverKey != nil ? "--server-key" : nil else { return }
        let why =
            endpoint.isLocal
            ? "is a local socket, where the user id counts" : "belongs to a topology that says insecure"
        throw CommandFailure.usage("\(flag): \(endpoint) \(why); no key is used, leave it out")
    }
}

import Foundation
import Messaging
import Topology

/// The data endpoint: over ipc for this user, over TCP bound behind an authenticator that knows the router's key.
struct ExpertDoor {
    static let limits = FrameLimits(framesMax: 4, bytesMax: WireLimits.tensorBytesMax + WireLimits.envelopeBytesMax)

    let socket: any MessageSocket
    /// Over TCP.
    let authenticator: Authenticator?
    /// What others are told.
    let endpoint: DataEndpoint

    /// - Parameter address: of an expert worker.
    init(_ address: ListeningAddress, _ worker: WorkerEntry, _ topology: ClusterTopology, _ context: ZeroMQContext)
        throws
    {
        let bind = try Messaging.Endpoint(address.bind.description)
        if case .ipc(let path) = bind {
            socket = try InlineRouter(bindingTo: path, domain: .data, options: Self.options)
            authenticator = nil
            endpoint = DataEndpoint(address: address.advertise.description)
            return
        }
        let isOpen = topology.security.insecure
        authenticator = try Authenticator(
            context, keys: isOpen ? KeyRing() : try Self.trunkKeys(topology.security), insecure: isOpen)
        let socket = try Socket(context, .router, options: Self.options)
        self.socket = socket
        if isOpen {
            try socket.bind(bind, domain: .data, security: .insecure)
        } else {
            guard let file = worker.keyFile else {
                throw WorkerFault(
                    "worker \(worker.name) needs `key` for its tcp data endpoint; make one with `skein keygen`")
            }
            let pair = try KeyFile.readPair(file)
            try socket.bind(bind, domain: .data, security: .curve(pair))
            endpoint = DataEndpoint(address: address.advertise.description, publicKey: pair.publicKey.description)
            return
        }
        endpoint = DataEndpoint(address: address.advertise.description)
    }

    static var options: SocketOptions {
        var options = SocketOptions()
        options.frameBytesMax = WireLimits.tensorBytesMax
        options.sendMessagesMax = 256
        options.receiveMessagesMax = 256
        return options
    }

    /// The router, whose process has the trunk; and workers, where this machine has the list of keys.
    private static func trunkKeys(_ security: SecurityEntry) throws -> KeyRing {
        guard let file = security.serverPublicKeyFile else {
            throw WorkerFault("a tcp data endpoint needs security: {server_key: FILE}, to know the router by")
        }
        let router = "\(try KeyFile.readPublic(file)) worker router\n"
        guard let list = security.authorisedKeysFile, FileManager.default.isReadableFile(atPath: list) else {
            return try KeyRing(text: router, place: file)
        }
        return try KeyRing(text: router + String(contentsOfFile: list, encoding: .utf8), place: list)
    }
}

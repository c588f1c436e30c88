import Glibc
import Threading

/// A ROUTER over ipc whose owner's thread accepts, reads and writes itself; see `InlineDealer`. Peers are of this user, or they are
/// turned away: the same rule as the authenticator's, who is asked by libzmq's sockets only.
package final class InlineRouter: MessageSocket {
    /// Beyond that one goes: the first that has not shaken hands, or else the first.
    package static let connectionsMax = 256

    private struct Peer {
        let routingID: [UInt8]
        let userID: String
        let address: String
        let connection: InlineConnection
    }

    private let path: String
    private let domain: Domain
    private let options: SocketOptions
    private let policy = AdmissionPolicy(keys: KeyRing(), insecure: false, uid: geteuid())
    private let listener: StreamDescriptor
    private let inode: UInt64
    private var peers: [Peer] = []
    /// Whose turn it is to be read first.
    private var turn = 0
    private var lastNumber: UInt32 = 0
    /// Somebody may be waiting to be let in. Asking the kernel costs as much as a message.
    private var mayAccept = true

    package init(
        bindingTo path: String, domain: Domain, options: SocketOptions = SocketOptions()
    ) throws(SocketError) {
        try LocalSocketPath.prepare(path)
        self.path = path
        self.domain = domain
        self.options = options
        listener = try StreamDescriptor.make("binding ipc://\(path)")
        try listener.listen(at: path, backlog: options.backlog)
        inode = Self.inode(at: path) ?? 0
    }

    deinit {
        // Not one that somebody has bound since.
        if Self.inode(at: path) == inode { unlink(path) }
    }

    package func send(_ frames: [[UInt8]], to routingID: [UInt8]) throws(SocketError) -> SendOutcome {
        precondition(!frames.isEmpty, "a message without frames")
        guard let peer = peers.first(where: { $0.routingID == routingID }) else { return .unroutable }
        return peer.connection.send(frames)
    }

    package func receive(limits: FrameLimits) throws(SocketError) -> Reception {
        if mayAccept { acceptPeers() }
        defer { dropPeers() }
        for step in peers.indices {
            let index = (turn + step) % peers.count
            let reception = peers[index].connection.receive(limits: limits)
            if case .nothing = reception { continue }
            turn = (index + 1) % peers.count
            return reception.from(peers[index].routingID, peers[index].userID, peers[index].address)
        }
        return .nothing
    }

    package func appendPollItems(to items: inout [PollItem]) {
        items.append(PollItem(descriptor: listener.number))
        for peer in peers { items.append(peer.connection.pollItem) }
    }

    package func polled(_ items: ArraySlice<PollItem>) { mayAccept = items.first?.isReady ?? false }

    private func acceptPeers() {
        mayAccept = false
        while let stream = listener.accept() {
            guard let address = stream.peerAddress(),
                case .admitted(let identity) = policy.decide(
                    AdmissionRequest(domain: domain.rawValue, address: address, mechanism: "NULL"))
            else { continue }
            if peers.count == Self.connectionsMax {
                peers.remove(at: peers.firstIndex { !$0.connection.isOpen } ?? 0)
            }
            lastNumber &+= 1
            peers.append(
                Peer(
                    routingID: [0] + withUnsafeBytes(of: lastNumber.bigEndian, Array.init), userID: identity.userID,
                    address: address,
                    connection: InlineConnection(
                        stream, .router, options, nowMicroseconds: MonotonicClock.nowMicroseconds)))
        }
    }

    private func dropPeers() {
        guard peers.contains(where: { !$0.connection.isOpen }) else { return }
        let now = MonotonicClock.nowMicroseconds
        peers.removeAll {
            $0.connection.fault != nil || $0.connection.hasFailedToShakeHands(nowMicroseconds: now)
        }
    }

    private static func inode(at path: String) -> UInt64? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}

extension Reception {
    fileprivate func from(_ routingID: [UInt8], _ userID: String, _ address: String) -> Reception {
        switch self {
        case .nothing: return .nothing
        case .message(var message):
            message.routingID = routingID
            message.userID = userID
            message.peerAddress = address
            return .message(message)
        case .oversize(var oversize):
            oversize.routingID = routingID
            oversize.userID = userID
            oversize.peerAddress = address
            return .oversize(oversize)
        }
    }
}

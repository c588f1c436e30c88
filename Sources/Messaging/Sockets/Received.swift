/// One message, its sender's address on this socket and its authenticated identity.
package struct Received: Sendable, Equatable {
    /// Where to answer, on a ROUTER; empty elsewhere. It is an address, never an identity.
    package var routingID: [UInt8]
    package var frames: [[UInt8]]
    /// The ZAP handler's user id: `Identity(userID:)`. Nil where no handler was asked.
    package var userID: String?
    /// `address` over TCP, `localhost:uid:gid:pid` over ipc.
    package var peerAddress: String?
    /// The connection that it came over, as `ConnectionEvent.disconnected` names it; -1 where there is none.
    package var sourceDescriptor: Int32

    package init(
        routingID: [UInt8] = [], frames: [[UInt8]], userID: String? = nil, peerAddress: String? = nil,
        sourceDescriptor: Int32 = -1
    ) {
        self.routingID = routingID
        self.frames = frames
        self.userID = userID
        self.peerAddress = peerAddress
        self.sourceDescriptor = sourceDescriptor
    }
}

/// A message beyond the limits: counted, not kept.
package struct Oversize: Sendable, Equatable {
    package var routingID: [UInt8]
    package var frames: Int
    package var bytes: Int
    package var userID: String?
    package var peerAddress: String?
}

package enum Reception: Sendable, Equatable {
    case nothing
    case message(Received)
    case oversize(Oversize)
}

/// What one message may hold. libzmq bounds the bytes of a frame but not the number of frames.
package struct FrameLimits: Sendable {
    package var framesMax: Int
    package var bytesMax: Int

    package init(framesMax: Int = 16, bytesMax: Int = 8 << 20) {
        self.framesMax = framesMax
        self.bytesMax = bytesMax
    }
}

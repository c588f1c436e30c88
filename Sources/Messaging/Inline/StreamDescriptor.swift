import Glibc

/// A stream socket of the local family, never blocking, closed with the value.
final class StreamDescriptor {
    enum Progress: Equatable {
        case bytes(Int)
        /// The kernel has nothing for us, or no room.
        case wouldBlock
        /// The peer has gone.
        case ended
    }

    /// What the kernel keeps on the way where it may: an answer of a whole site group fits in.
    private static let bufferBytes: Int32 = 1 << 20

    let number: Int32

    init(adopting number: Int32) {
        self.number = number
        var size = Self.bufferBytes
        _ = setsockopt(number, SOL_SOCKET, SO_SNDBUF, &size, 4)
    }

    deinit { close(number) }

    static func make(_ operation: String) throws(SocketError) -> StreamDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let number = socket(AF_UNIX, Int32(kind), 0)
        guard number >= 0 else { throw .system(operation) }
        return StreamDescriptor(adopting: number)
    }

    /// The errno value, 0 for done.
    func connect(to path: String) -> Int32 {
        Self.withAddress(path) { Glibc.connect(number, $0, $1) } == 0 ? 0 : errno
    }

    func listen(at path: String, backlog: Int) throws(SocketError) {
        // A file that a killed process left; that nobody listens there has been looked at.
        unlink(path)
        guard Self.withAddress(path, { Glibc.bind(number, $0, $1) }) == 0, Glibc.listen(number, Int32(backlog)) == 0
        else { throw .system("binding ipc://\(path)") }
    }

    func accept() -> StreamDescriptor? {
        let accepted = Glibc.accept(number, nil, nil)
        guard accepted >= 0 else { return nil }
        // Its own flags, not the listener's.
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return StreamDescriptor(adopting: accepted)
    }

    /// The peer as libzmq writes it, `localhost:UID:GID:PID`, from the kernel.
    func peerAddress() -> String? {
        // `struct ucred`, which Glibc's overlay lacks.
        var peer: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: peer))
        guard getsockopt(number, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else { return nil }
        return "localhost:\(peer.user):\(peer.group):\(peer.process)"
    }

    /// Reads into the pieces, one after the other.
    func read(into pieces: [UnsafeMutableRawBufferPointer]) -> Progress {
        var vectors = pieces.map { iovec(iov_base: $0.baseAddress, iov_len: $0.count) }
        return progress { readv(number, &vectors, Int32(vectors.count)) }
    }

    /// Writes the pieces, one after the other, as far as the kernel takes them.
    func write(_ pieces: [UnsafeRawBufferPointer]) -> Progress {
        var vectors = pieces.map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        return vectors.withUnsafeMutableBufferPointer { vectors in
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = vectors.count
            // A peer that has gone must not end this process with a signal.
            return progress { sendmsg(number, &message, Int32(MSG_NOSIGNAL)) }
        }
    }

    private func progress(_ call: () -> Int) -> Progress {
        while true {
            let count = call()
            if count > 0 { return .bytes(count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return .wouldBlock
            default: return .ended
            }
        }
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

extension SocketError {
    static func system(_ operation: String) -> SocketError {
        let code = errno
        return SocketError(
            code == EMFILE || code == ENFILE ? .limitReached : .other(code: code), operation,
            String(cString: strerror(code)))
    }
}

import Glibc
import Testing

/// A stream that speaks no ZMTP.
final class RawStream {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    func write(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// Reads what comes; true once the peer has closed.
    func hasEnded() -> Bool {
        var scratch = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(descriptor, &scratch, scratch.count)
            if count == 0 || (count < 0 && errno != EAGAIN) { return true }
            if count < 0 { return false }
        }
    }

    deinit { close(descriptor) }
}

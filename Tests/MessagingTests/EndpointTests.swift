import Foundation
import Messaging
import Testing

@Suite struct EndpointTests {
    @Test func wellFormed() throws {
        #expect(try Endpoint("tcp://127.0.0.1:5570") == .tcp(host: "127.0.0.1", port: 5570))
        #expect(try Endpoint("tcp://*:*").description == "tcp://*:*")
        #expect(try Endpoint("ipc:///tmp/a/b") == .ipc(path: "/tmp/a/b"))
        #expect(try Endpoint("ipc://.skein/front").description == "ipc://.skein/front")
        #expect(try Endpoint("inproc://x") == .inproc(name: "x"))
    }

    @Test(arguments: [
        "", "tcp://", "tcp://:5", "tcp://host", "tcp://host:", "tcp://host:65536", "tcp://host:-1", "tcp://ho st:1",
        "udp://host:1", "ipc://", "ipc://@abstract", "ipc:///tmp/*", "ipc://nofolder", "inproc://", "127.0.0.1:5570",
    ])
    func illFormed(_ text: String) {
        let error = #expect(throws: SocketError.self) { try Endpoint(text) }
        #expect(error?.kind == .invalidEndpoint)
        #expect(error?.description.contains("\"\(text)\"") == true)
    }

    @Test func longPathsAreRefusedBeforeTheSystemCutsThem() throws {
        let path = "/tmp/" + String(repeating: "a", count: 102)
        #expect(path.utf8.count == 107)
        #expect(try Endpoint("ipc://\(path)") == .ipc(path: path))
        let error = #expect(throws: SocketError.self) { try Endpoint("ipc://\(path)b") }
        #expect(error?.description.contains("108 bytes") == true)
    }

    @Test func foldersAreMadePrivate() throws {
        let sandbox = try Sandbox()
        try LocalSocketPath.prepare("\(sandbox.path)/run/deeper/front")
        #expect(try mode("\(sandbox.path)/run/deeper") == 0o700)
    }

    @Test func foldersOpenToOthersAreRefused() throws {
        let sandbox = try Sandbox()
        chmod(sandbox.path, 0o755)
        let error = #expect(throws: SocketError.self) { try LocalSocketPath.prepare("\(sandbox.path)/front") }
        #expect(error?.kind == .notPrivate)
        #expect(error?.description.contains("chmod 700") == true)
    }

    @Test func linksToFoldersAreRefused() throws {
        let sandbox = try Sandbox()
        try LocalSocketPath.prepareFolder("\(sandbox.path)/real")
        symlink("\(sandbox.path)/real", "\(sandbox.path)/link")
        #expect(throws: SocketError.self) { try LocalSocketPath.prepare("\(sandbox.path)/link/front") }
    }

    @Test func aFileLeftOverByADeadProcessIsNoObstacle() throws {
        let sandbox = try Sandbox()
        let endpoint = try sandbox.ipc()
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(sandbox.path)/s".utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        #expect(bound == 0)
        close(descriptor)
        let router = try Socket(ZeroMQContext(), .router)
        #expect(throws: Never.self) { try router.bind(endpoint) }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}

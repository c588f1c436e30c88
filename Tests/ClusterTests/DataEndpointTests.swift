import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    @Suite("Bad input at a data endpoint") struct DataEndpointTests {
        @Test("each wrong message has its typed failure, and a running query goes on unharmed")
        func badMessages() async throws {
            let cluster = try RoutedCluster.make([("a", [])])
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(30)))
            _ = try await calm.answer()
            var reading = Reading(client.submit(RoutedCluster.query(30)))
            try await reading.read(tokens: 3)

            let address = try #require(cluster.topology.worker("a")?.data?.advertise.description)
            let peer = try RawPeer(try Endpoint(address))
            #expect(try await peer.kind(of: .dispatch(Dispatch(dispatch: 1, set: 7))) == .unknownSet)
            for (request, kind) in Self.badOpenings {
                #expect(try await peer.kind(of: .openSet(request)) == kind, "\(request)")
            }
            #expect(try await peer.kind(of: .statusRequest(StatusRequest())) == .forbidden)
            #expect(try await peer.send([[0xFF, 0xFF]]))
            #expect(try await peer.dispatchFailure()?.kind == .malformed)

            _ = try await reading.answer()
            #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
        }

        static var badOpenings: [(OpenSet, FailureKind)] {
            let nonce = [UInt8](repeating: 1, count: OpenSet.nonceBytes)
            return [
                (OpenSet(set: 1, nonce: nonce, worker: "b"), .forbidden),
                (OpenSet(set: 1, nonce: nonce, worker: "a", incarnation: 1), .forbidden),
            ]
        }

        @Test("over TCP with CURVE the answers are the same, and a stranger's key is turned away")
        func curve() async throws {
            let port = try Endpoint.freePort(), control = try Endpoint.freePort()
            let cluster = try RoutedCluster.make(
                [("a", [])],
                extra: "security: {keys: FOLDER/authorised.keys, server_key: FOLDER/router.key}",
                data: ["a": "key: FOLDER/a.key, data: \"tcp://127.0.0.1:\(port)\""], control: control)
            let keys = try ["router", "a", "stranger"].map { try KeyFile.generate(name: $0, folder: cluster.folder) }
            try "\(keys[1].publicKey) worker a\n".write(
                toFile: "\(cluster.folder)/authorised.keys", atomically: true, encoding: .utf8)
            let client = try await cluster.launch()
            let local = try RoutedCluster.make([], pinned: RoutedCluster.names)
            let reference = try await local.launch()
            var expected = Reading(reference.submit(RoutedCluster.query(12)))
            _ = try await expected.answer()
            var reading = Reading(client.submit(RoutedCluster.query(12)))
            _ = try await reading.answer()
            #expect(reading.tokens == expected.tokens && reading.logprobs == expected.logprobs)

            let stranger = try RawPeer(
                .tcp(host: "127.0.0.1", port: port), security: .curve(own: keys[2], server: keys[1].publicKey))
            let message = Envelope(.dispatch(Dispatch(dispatch: 1, set: 1))).frames()
            #expect(try await !stranger.send(message, withinSeconds: 1), "a stranger's key was let in")
        }
    }
}

extension RawPeer {
    /// What a message of the data family is refused with.
    func kind(of message: Message) async throws -> FailureKind? {
        guard try await send(message) else { return nil }
        return try await dispatchFailure()?.kind
    }

    func dispatchFailure(withinSeconds seconds: Double = 5) async throws -> DispatchFailed? {
        var found: DispatchFailed?
        _ = try await eventually(withinSeconds: seconds) {
            if let next = try next(), case .dispatchFailed(let failure) = next.message { found = failure }
            return found != nil
        }
        return found
    }
}

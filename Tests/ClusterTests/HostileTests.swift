import Client
import Messaging
import Testing

extension ClusterTests {
    @Suite("Bad input over the socket") struct HostileTests {
        @Test("every kind of bad message gets its typed failure, and another client's stream goes on unharmed")
        func badMessages() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            let expected = try await Story.reference(cluster, tokens: 200)
            var reading = Reading(client.submit(Story.query(200)))
            try await reading.read(tokens: 5)

            let peer = try RawPeer(cluster.front)
            for (frames, kind) in Self.badFrames {
                #expect(try await peer.send(frames))
                #expect(try await peer.failure()?.kind == kind, "\(frames.count) frames")
            }
            for (query, kind) in Self.badQueries {
                #expect(try await peer.send(.query(query)))
                let failure = try await peer.failure()
                #expect(failure?.kind == kind, "\(String(describing: failure)) for \(query)")
                #expect(failure?.id == query.id)
            }
            // Refused once it was encoded, and no fault of the cluster's.
            #expect(try await client.counter("failed") == 0)
            // libzmq ends a connection over a frame beyond the limit; nobody else may notice.
            #expect(try await peer.send([[UInt8](repeating: 0, count: 2 << 20)]))

            #expect(reading.failure == nil)
            _ = try await reading.answer()
            #expect(reading.tokens == expected.tokens)
            #expect(reading.text == expected.text)
        }

        static var badFrames: [([[UInt8]], FailureKind)] {
            let good = Envelope(.statusRequest(StatusRequest())).frames()
            var otherVersion = good
            // Field 1, a varint: its tag, then the version.
            otherVersion[0][1] = 9
            return [
                ([[0xFF, 0xFF, 0xFF]], .malformed),
                ([[]], .unknownVersion),
                (otherVersion, .unknownVersion),
                (good + [[1, 2, 3]], .malformed),
                ([[UInt8]](repeating: [], count: 50_000), .oversize),
            ]
        }

        static var badQueries: [(Query, FailureKind)] {
            let hot = Sampling(temperature: -1)
            let long = String(repeating: "wool ", count: 20_000)
            return [
                (Query(id: .random(), node: "nowhere", prompt: .text("x")), .unknownNode),
                (Query(id: .random(), prompt: nil), .emptyPrompt),
                (Query(id: .random(), prompt: .text("")), .emptyPrompt),
                (Query(id: .random(), prompt: .tokens([])), .emptyPrompt),
                (Query(id: .random(), prompt: .chat([])), .emptyPrompt),
                (Query(id: .random(), prompt: .chat([ChatMessage(content: "")])), .emptyPrompt),
                (Query(id: .random(), prompt: .text(long)), .promptTooLong),
                (Query(id: .random(), prompt: .text("x"), maxTokens: 1_000_000_000), .invalidParameter),
                (Query(id: .random(), prompt: .text("x"), sampling: hot), .invalidParameter),
                (Query(id: .random(), prompt: .text("x"), sampling: Sampling(temperature: .nan)), .invalidParameter),
                (Query(id: .random(), prompt: .tokens([-5, 1 << 30])), .invalidParameter),
            ]
        }
    }
}

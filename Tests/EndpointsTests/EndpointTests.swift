import Endpoints
import Foundation
import Synchronization
import Testing
import Threading

/// A server that behaves and one that misbehaves in each way: a typed ending, never a hang.
struct EndpointTests {
    private final class Ear: Sendable {
        let events = Mutex<[EndpointEvent]>([])

        /// The text until the ending, and the ending.
        func ending(seconds: Double = 20) -> (text: String, end: EndpointEnd?) {
            let until = Date().addingTimeInterval(seconds)
            while Date() < until {
                let all = events.withLock { $0 }
                if case .ended(let end) = all.last {
                    let bytes = all.flatMap { if case .text(let bytes) = $0 { bytes } else { [UInt8]() } }
                    return (String(decoding: bytes, as: UTF8.self), end)
                }
                usleep(2000)
            }
            return ("", nil)
        }
    }

    private static func ask(
        _ url: String, _ change: (inout EndpointRequest) -> Void = { _ in }
    ) throws -> (text: String, end: EndpointEnd?) {
        let ear = Ear()
        let caller = try EndpointCaller { _, event in ear.events.withLock { $0.append(event) } }
        defer { caller.stop() }
        var request = EndpointRequest(url: url, model: "m", messages: [.init(role: "user", content: "hi \"you\"")])
        change(&request)
        #expect(caller.call(1, request))
        return ear.ending()
    }

    private static func fault(
        _ script: [FakeServer.Act], _ change: (inout EndpointRequest) -> Void = { _ in }
    ) throws -> EndpointFault {
        let server = try FakeServer(script)
        defer { server.stop() }
        let (_, end) = try ask(server.url, change)
        guard case .failed(let fault) = end else { throw FakeServer.ServerError() }
        #expect(fault.description.hasPrefix(server.url))
        return fault
    }

    @Test func aStreamComesPieceByPiece() throws {
        let server = try FakeServer([
            .send(FakeServer.stream + ": a comment\n\n" + FakeServer.piece("Bon")), .wait(milliseconds: 20),
            .send("data: {\"choices\":[{\"delta\":{\"content\":\"j"), .wait(milliseconds: 20),
            .send("our\"}}]}\r\n\r\n" + FakeServer.piece("", finish: "length") + "data: [DONE]\n\n"),
        ])
        defer { server.stop() }
        let (text, end) = try Self.ask(server.url) { request in
            request.key = "secret"
            request.maxTokens = 7
        }
        #expect(text == "Bonjour" && end == .finished(reason: "length"))
        let request = try #require(server.received.first)
        #expect(request.hasPrefix("POST /v1/chat/completions HTTP/1.1"))
        #expect(request.contains("Authorization: Bearer secret") && request.contains("\"max_tokens\":7"))
        #expect(request.contains("hi \\\"you\\\"") && request.contains("\"stream\":true"))
    }

    @Test func aServerThatDoesNotStreamIsHeardToo() throws {
        let body = "{\"choices\":[{\"message\":{\"content\":\"all\"},\"finish_reason\":\"stop\"}]}"
        let server = try FakeServer([
            .send(FakeServer.head("200 OK", ["Content-Type: application/json"], length: body.utf8.count) + body)
        ])
        defer { server.stop() }
        #expect(try Self.ask(server.url) == ("all", .finished(reason: "stop")))
    }

    @Test func aServerThatHangs() throws {
        #expect(try Self.fault([.hang]) { $0.silenceMilliseconds = 100 }.kind == .silent)
        let midway = [FakeServer.Act.send(FakeServer.stream + FakeServer.piece("a")), .hang]
        #expect(try Self.fault(midway) { $0.silenceMilliseconds = 100 }.kind == .silent)
        #expect(try Self.fault(midway) { $0.deadlineMilliseconds = 100 }.kind == .deadline)
    }

    @Test func halfAStream() throws {
        #expect(try Self.fault([.send(FakeServer.stream + FakeServer.piece("half"))]).kind == .halfStream)
        let cut = FakeServer.head("200 OK", ["Content-Type: text/event-stream"], length: 10_000)
        #expect(try Self.fault([.send(cut + FakeServer.piece("half"))]).kind == .halfStream)
        #expect(try Self.fault([]).kind == .halfStream)
    }

    @Test func aPageOfHTML() throws {
        let fault = try Self.fault([
            .send(FakeServer.head("200 OK", ["Content-Type: text/html; charset=utf-8"]) + "<html>Welcome</html>")
        ])
        #expect(fault.kind == .notStream && fault.description.contains("text/html"))
    }

    @Test func busyWithATimeToWait() throws {
        let body = "{\"error\":{\"message\":\"slow down\"}}"
        let fault = try Self.fault([
            .send(
                FakeServer.head(
                    "429 Too Many Requests", ["Retry-After: 7", "Content-Type: application/json"],
                    length: body.utf8.count) + body)
        ])
        #expect(fault.kind == .busy && fault.retryAfterMilliseconds == 7000)
        #expect(fault.description.contains("slow down"))
    }

    @Test func otherStatuses() throws {
        #expect(try Self.fault([.send(FakeServer.head("401 Unauthorized", [], length: 0))]).kind == .key)
        #expect(try Self.fault([.send(FakeServer.head("500 Oops", [], length: 0))]).kind == .status)
        #expect(
            try Self.fault([.send(FakeServer.head("302 Found", ["Location: http://127.0.0.1:1/"], length: 0))]).kind
                == .status)
    }

    @Test func whatIsNoAnswer() throws {
        #expect(try Self.fault([.send(FakeServer.stream + "data: {nonsense\n\n")]).kind == .malformed)
        let error = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n"
        #expect(try Self.fault([.send(FakeServer.stream + error)]).description.contains("out of memory"))
        let line = String(repeating: "x", count: 1 << 16)
        let endless = [FakeServer.Act.send(FakeServer.stream + "data: ")] + Array(repeating: .send(line), count: 17)
        #expect(try Self.fault(endless).kind == .tooLong)
    }

    @Test func nobodyThere() throws {
        let server = try FakeServer([])
        server.stop()
        guard case .failed(let fault) = try Self.ask(server.url).end else { throw FakeServer.ServerError() }
        #expect(fault.kind == .unreachable)
    }

    @Test func whoHangsUpHearsNothingMore() throws {
        let server = try FakeServer([.send(FakeServer.stream + FakeServer.piece("a")), .hang])
        defer { server.stop() }
        let ear = Ear()
        let caller = try EndpointCaller { _, event in ear.events.withLock { $0.append(event) } }
        var request = EndpointRequest(url: server.url, model: "m", messages: [])
        request.silenceMilliseconds = 100
        #expect(caller.call(1, request))
        while ear.events.withLock({ $0.isEmpty }) { usleep(1000) }
        caller.hangUp(1)
        usleep(300_000)
        #expect(ear.events.withLock { $0 } == [.text([97])])
        caller.stop()
    }

    /// A certificate that nobody vouches for is refused; named in the topology it is taken.
    @Test func aWrongCertificate() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("skein-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (key, certificate) = ("\(folder)/key.pem", "\(folder)/certificate.pem")
        let make = try Self.openssl([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        ])
        make.waitUntilExit()
        let probe = try FakeServer([])
        probe.stop()
        let server = try Self.openssl([
            "s_server", "-key", key, "-cert", certificate, "-accept", "127.0.0.1:\(probe.port)", "-www", "-quiet",
        ])
        defer { server.terminate() }
        let url = "https://127.0.0.1:\(probe.port)/v1"
        var kinds: [EndpointFault.Kind] = []
        for trusted in [nil, certificate] {
            for _ in 0..<100 {
                let ended = try Self.ask(url) { request in
                    request.certificatesFile = trusted
                    request.silenceMilliseconds = 1000
                }
                guard case .failed(let fault) = ended.end else { break }
                if fault.kind == .unreachable {
                    usleep(50_000)
                    continue
                }
                kinds.append(fault.kind)
                break
            }
        }
        #expect(kinds.first == .certificate)
        // The handshake is done; what it says is no answer.
        #expect(kinds.count == 2 && kinds.last != .certificate)
    }

    private static func openssl(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }
}

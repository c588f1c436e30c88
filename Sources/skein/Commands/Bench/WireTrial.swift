import ArgumentParser
import Benchmarking
import Foundation
import Messaging

struct WireTrialOptions: ParsableArguments {
    @Option(name: .customLong("echoes"), help: "Echoes per transport and size, after a tenth to warm up.")
    var echoes = 2000

    /// A short message; one token's activation for q, k and v; 64 of them.
    static let payloadBytes = [64, 4608, 147_456]
    static let echoesMax = 1_000_000

    func validate() throws {
        guard (1...Self.echoesMax).contains(echoes) else {
            throw ValidationError("--echoes is \(echoes); it must be 1 ... \(Self.echoesMax)")
        }
    }

    func run() throws -> WireReport {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("skein-echo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        var echoes: [WireReport.EchoJSON] = []
        for bytes in Self.payloadBytes {
            let ipc = Messaging.Endpoint.ipc(path: folder.appendingPathComponent("\(bytes)").path)
            echoes.append(try echo("ipc", ipc, bytes))
            echoes.append(try echo("tcp", .tcp(host: "127.0.0.1", port: 0), bytes))
        }
        return WireReport(rounds: self.echoes, echoes: echoes)
    }

    private func echo(_ transport: String, _ endpoint: Messaging.Endpoint, _ bytes: Int) throws -> WireReport.EchoJSON {
        let times = Samples(try EchoLatency.measure(endpoint, payloadBytes: bytes, rounds: echoes).map { Double($0) })
        return .init(
            transport: transport, bytes: bytes, p50Microseconds: times.median, p99Microseconds: times.quantile(0.99))
    }
}

struct WireReport: Encodable {
    struct EchoJSON: Encodable {
        let transport: String
        let bytes: Int
        let p50Microseconds, p99Microseconds: Double
    }

    let rounds: Int
    let echoes: [EchoJSON]

    var lines: [String] {
        let rows = echoes.map {
            [
                $0.transport, "\($0.bytes)", BenchReport.number($0.p50Microseconds) + " us",
                BenchReport.number($0.p99Microseconds) + " us",
            ]
        }
        return ["Echo between a DEALER and a ROUTER, \(rounds) each"]
            + TextColumns.aligned([["transport", "bytes", "p50", "p99"]] + rows)
    }
}

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
        let dispatches = try Self.shapes.map { name, shape in
            try dispatch(name, shape, folder: folder.appendingPathComponent(name.replacing(" ", with: "-")).path)
        }
        return WireReport(rounds: self.echoes, echoes: echoes, dispatches: dispatches)
    }

    /// Site groups of the default model, two experts for each row: q, k, v of one token, and of 64.
    private static let shapes = [
        ("q,k,v of 1 row", DispatchLatency.Shape(rows: 1, inputs: 576, outputs: [576, 192, 192], experts: 2)),
        ("q,k,v of 64 rows", DispatchLatency.Shape(rows: 64, inputs: 576, outputs: [576, 192, 192], experts: 2)),
    ]

    private func dispatch(
        _ name: String, _ shape: DispatchLatency.Shape, folder: String
    ) throws -> WireReport.DispatchJSON {
        let times = try DispatchLatency.measure(
            (folder + "-d", folder + "-b"), shape, rounds: echoes)
        let ratios = Samples(zip(times.dispatch, times.bare).map { Double($0) / Double(max(1, $1)) })
        return .init(
            group: name, bytesOut: times.bytesOut, bytesBack: times.bytesBack,
            dispatchP50Microseconds: Samples(times.dispatch.map { Double($0) }).median,
            bareP50Microseconds: Samples(times.bare.map { Double($0) }).median, ratio: ratios.median)
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

    /// A dispatch beside bare libzmq with the same bytes each way, over ipc; the ratio is the median of ratios by round.
    struct DispatchJSON: Encodable {
        let group: String
        let bytesOut, bytesBack: Int
        let dispatchP50Microseconds, bareP50Microseconds, ratio: Double
    }

    let rounds: Int
    let echoes: [EchoJSON]
    let dispatches: [DispatchJSON]

    var lines: [String] {
        let rows = echoes.map {
            [
                $0.transport, "\($0.bytes)", BenchReport.number($0.p50Microseconds) + " us",
                BenchReport.number($0.p99Microseconds) + " us",
            ]
        }
        return ["Echo between a DEALER and a ROUTER, \(rounds) each"]
            + TextColumns.aligned([["transport", "bytes", "p50", "p99"]] + rows)
            + ["Dispatch to an expert worker without arithmetic, beside bare libzmq"]
            + TextColumns.aligned(
                [["group", "bytes out", "bytes back", "p50", "bare p50", "ratio"]] + dispatches.map(Self.row))
    }

    private static func row(_ dispatch: DispatchJSON) -> [String] {
        [
            dispatch.group, "\(dispatch.bytesOut)", "\(dispatch.bytesBack)",
            BenchReport.number(dispatch.dispatchP50Microseconds) + " us",
            BenchReport.number(dispatch.bareP50Microseconds) + " us", "\((dispatch.ratio * 100).rounded() / 100)",
        ]
    }
}

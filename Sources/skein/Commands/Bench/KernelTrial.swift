import ArgumentParser
import Kernels

struct KernelTrialOptions: ParsableArguments {
    @Option(name: .customLong("milliseconds"), help: "Milliseconds for each kernel and shape.")
    var millisecondsPerShape = 200

    static let millisecondsMax = 60_000

    func validate() throws {
        guard (1...Self.millisecondsMax).contains(millisecondsPerShape) else {
            throw ValidationError(
                "--milliseconds is \(millisecondsPerShape); it must be 1 ... \(Self.millisecondsMax)")
        }
    }

    func run(threads: Int) throws -> KernelReport {
        let context = ComputeContext(team: ComputeTeam(threads: threads))
        Terminal.progress("kernels on \(threads) threads")
        defer { Terminal.endProgress() }
        let timings = try KernelTimings.measure(context, milliseconds: millisecondsPerShape)
        return KernelReport(threads: threads, timings: timings.map { .init($0) })
    }
}

struct KernelReport: Encodable {
    struct TimingJSON: Encodable {
        let name: String
        let microseconds, gigaOperationsPerSecond, gigabytesPerSecond: Double

        init(_ timing: KernelTimings.Timing) {
            name = timing.name
            microseconds = timing.microseconds
            gigaOperationsPerSecond = timing.gigaOperations
            gigabytesPerSecond = timing.gigabytes
        }
    }

    let threads: Int
    let timings: [TimingJSON]

    var lines: [String] {
        let rows = timings.map {
            [
                $0.name, BenchReport.number($0.microseconds) + " us", BenchReport.number($0.gigaOperationsPerSecond),
                BenchReport.number($0.gigabytesPerSecond),
            ]
        }
        return ["Kernels, \(threads) threads, best of the runs (a multiply-add counts twice; bytes are the weights')"]
            + TextColumns.aligned([["kernel", "time", "GOP/s", "GB/s"]] + rows)
    }
}

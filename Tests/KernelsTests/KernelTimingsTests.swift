import Foundation
import Kernels
import Testing

/// Times nothing in earnest, unless SKEIN_KERNEL_TIMINGS gives the milliseconds per shape; then the numbers are printed.
@Test func timingsCoverEveryFormat() throws {
    let environment = ProcessInfo.processInfo.environment
    let milliseconds = environment["SKEIN_KERNEL_TIMINGS"].flatMap(Int.init) ?? 0
    let threads = environment["SKEIN_KERNEL_THREADS"].flatMap(Int.init) ?? 1
    let context = ComputeContext(team: ComputeTeam(threads: threads))
    let timings = try KernelTimings.measure(context, milliseconds: milliseconds)
    #expect(timings.count == 4 * 6 + 2)
    for timing in timings {
        #expect(timing.microseconds > 0 && timing.gigaOperations > 0 && timing.gigabytes > 0, "\(timing.name)")
        guard milliseconds > 0 else { continue }
        let numbers = [timing.microseconds, timing.gigaOperations, timing.gigabytes].map { String(format: "%9.1f", $0) }
        print(numbers[0], "us", numbers[1], "GOPS", numbers[2], "GB/s ", timing.name)
    }
}

import Foundation
import Statistics
import Synchronization
import Testing

/// A folder of its own, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

/// Seeded, so that a failure repeats (SplitMix64: Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("Statistics: histograms")
struct LatencyHistogramTests {
    /// Log-uniform from 1 µs to 1000 s.
    private func latencies(_ count: Int, seed: UInt64) -> [UInt64] {
        var random = SplitMix64(state: seed)
        return (0..<count).map { _ in UInt64(exp(Double.random(in: 0...20.7, using: &random))) }
    }

    /// Against the definition: the value at rank ceil(p n) of the sorted latencies.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func percentilesAreWithinOnePercent(seed: UInt64) {
        let values = latencies(20_000, seed: seed)
        var histogram = LatencyHistogram()
        for value in values { histogram.record(microseconds: value) }
        let sorted = values.sorted()
        for percent in [1.0, 50, 90, 99, 99.9, 100] {
            let rank = max(1, Int((percent / 100 * Double(sorted.count)).rounded(.up)))
            let exact = Double(sorted[rank - 1])
            #expect(abs(Double(histogram.percentile(percent)) - exact) <= 0.01 * exact + 1)
        }
        let mean = Double(values.reduce(0, +)) / Double(values.count)
        #expect(abs(histogram.mean - mean) < 0.01 * mean)
        #expect(histogram.max == sorted.last)
    }

    @Test func bytesRoundTrip() throws {
        for count in [0, 1, 5000] {
            var histogram = LatencyHistogram()
            for value in latencies(count, seed: 9) { histogram.record(microseconds: value, times: value % 7 + 1) }
            histogram.record(microseconds: .max)
            histogram.record(microseconds: 0)
            let decoded = try #require(LatencyHistogram(encoded: histogram.encoded))
            #expect(decoded.encoded == histogram.encoded)
            #expect(decoded.count == histogram.count && decoded.max == histogram.max && decoded.mean == histogram.mean)
            for percent in [0.0, 10, 50, 99] { #expect(decoded.percentile(percent) == histogram.percentile(percent)) }
        }
    }

    @Test func addingIsRecordingBoth() {
        var both = LatencyHistogram()
        var parts = [LatencyHistogram(), LatencyHistogram()]
        for (index, value) in latencies(3000, seed: 4).enumerated() {
            both.record(microseconds: value)
            parts[index % 2].record(microseconds: value)
        }
        parts[0].add(parts[1])
        #expect(parts[0].encoded == both.encoded)
    }

    @Test(
        arguments: [
            [], [0], [2, 1, 1], [1, 5], [1, 5, 0], [1, 0x80], [1, 5, 0x80],
            [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1],
            [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1],
            [1, 1] + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1] + [1, 1],
        ] as [[UInt8]])
    func bytesThatAreNoHistogram(bytes: [UInt8]) {
        #expect(LatencyHistogram(encoded: bytes) == nil)
    }

    @Test func randomBytesAreDecodedOrRefused() {
        var random = SplitMix64(state: 77)
        for _ in 0..<2000 {
            let bytes =
                [1]
                + (0..<Int.random(in: 0...12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if let histogram = LatencyHistogram(encoded: bytes) {
                #expect(histogram.max <= LatencyHistogram.microsecondsMax)
            }
        }
    }
}

@Suite("Statistics: recording")
struct StatisticsRecorderTests {
    @Test func eachScopeGetsItsShare() throws {
        var recorder = StatisticsRecorder(history: .none(nowUnixSeconds: 1000))
        recorder.count(.accepted)
        recorder.count(.generatedTokens, 5, worker: "a", model: "m")
        recorder.count(.generatedTokens, 7, worker: "b", model: "m")
        recorder.record(.perToken, microseconds: 100, times: 4, worker: "a", model: "m")
        recorder.record(.perToken, microseconds: 900, worker: "b", model: "m")
        let snapshot = recorder.snapshot()
        #expect(snapshot.sinceUnixSeconds == 1000 && snapshot.windowSeconds == 0)
        #expect(snapshot.scopes.map { "\($0.kind) \($0.name)" } == ["cluster ", "worker a", "worker b", "model m"])
        #expect(snapshot.scope(.cluster)?[.accepted] == 1 && snapshot.scope(.worker("a"))?[.accepted] == 0)
        #expect(snapshot.scope(.cluster)?[.generatedTokens] == 12)
        #expect(snapshot.scope(.worker("a"))?[.generatedTokens] == 5)
        #expect(snapshot.scope(.model("m"))?[.generatedTokens] == 12)
        let perToken = try #require(snapshot.scope(.model("m"))?[.perToken])
        #expect(perToken.count == 5 && perToken.p50 == 100 && abs(perToken.mean - 260) < 2.6)
        #expect(perToken.max == 900)
    }

    @Test func scopesAreBounded() {
        var recorder = StatisticsRecorder(history: .none(nowUnixSeconds: 0))
        for index in 0..<5000 { recorder.count(.accepted, worker: "w\(index)") }
        let snapshot = recorder.snapshot()
        #expect(snapshot.scopes.count == StatisticsRecorder.scopesMax)
        #expect(snapshot.scope(.cluster)?[.accepted] == 5000)
    }

    /// Promise P7: under 2 % of decode time. A token takes about 10 ms here; a bound of 20 µs is 0.2 % of it, and
    /// lenient enough for a busy machine.
    @Test func aRecordingIsCheap() {
        var recorder = StatisticsRecorder(history: .none(nowUnixSeconds: 0))
        let clock = ContinuousClock()
        let time = clock.measure {
            for token in 0..<100_000 {
                recorder.count(.generatedTokens, worker: "a", model: "m")
                recorder.record(.perToken, microseconds: UInt64(10_000 + token % 1000), worker: "a", model: "m")
            }
        }
        #expect(recorder.snapshot().scope(.cluster)?[.generatedTokens] == 100_000)
        let perToken = time / 100_000
        print("statistics: \(perToken.components.attoseconds / 1_000_000_000) ns per token")
        #expect(perToken < .microseconds(20))
    }
}

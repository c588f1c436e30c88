import Statistics
import Testing

@Suite("Statistics: the table")
struct StatisticsTableTests {
    @Test func aPersonReadsThis() {
        let latency = StatisticsSnapshot.Latency(
            name: "firstToken", count: 1234, mean: 812.4, p50: 800, p90: 12_345, p99: 999_499, max: 61_234_567)
        let snapshot = StatisticsSnapshot(
            windowSeconds: 0, sinceUnixSeconds: 1_700_000_000,
            scopes: [
                .init(
                    kind: "cluster", name: "",
                    counters: [.init(name: "accepted", value: 1_234_567), .init(name: "promptTokens", value: 12)],
                    latencies: [latency]),
                .init(
                    kind: "worker", name: "a",
                    counters: [.init(name: "accepted", value: 7), .init(name: "newOne", value: 1)],
                    latencies: [.init(name: "queue", count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0)]),
            ])
        let text = StatisticsTable.render(snapshot, nowUnixSeconds: 1_700_000_090)
        #expect(
            text == """
                since 2023-11-14T22:13:20Z (90 s ago)

                           accepted  prompt tokens  new one
                cluster   1,234,567             12        -
                worker a          7              -        1

                         latency      count    mean     p50      p90     p99     max
                cluster  first token  1,234  812 µs  800 µs  12.3 ms  999 ms  61.2 s

                """)
    }

    @Test func nothingYet() {
        let snapshot = StatisticsRecorder(history: .none(nowUnixSeconds: 5)).snapshot()
        #expect(StatisticsTable.render(snapshot, nowUnixSeconds: 4).contains("no query has been timed yet"))
    }

    @Test func aWindowSaysSo() {
        let snapshot = StatisticsSnapshot(windowSeconds: 3600, sinceUnixSeconds: 0, scopes: [])
        #expect(StatisticsTable.render(snapshot, nowUnixSeconds: 0).hasPrefix("the last 60 min\n"))
    }
}

import Foundation

/// A snapshot as text for a terminal: pure, so that tests read what a person reads.
package enum StatisticsTable {
    /// - Parameter now: what "ago" counts from.
    package static func render(_ snapshot: StatisticsSnapshot, nowUnixSeconds: UInt64) -> String {
        let latencies = latencyRows(snapshot)
        var lines = [heading(snapshot, nowUnixSeconds: nowUnixSeconds), ""]
        lines += aligned(counterRows(snapshot))
        lines.append("")
        // Without a single latency there is nothing but a header to show.
        lines += latencies.count > 1 ? aligned(latencies, leftColumns: 2) : ["no query has been timed yet"]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func heading(_ snapshot: StatisticsSnapshot, nowUnixSeconds: UInt64) -> String {
        guard snapshot.windowSeconds == 0 else { return "the last \(duration(seconds: snapshot.windowSeconds))" }
        let since = Date(timeIntervalSince1970: Double(snapshot.sinceUnixSeconds)).ISO8601Format()
        let age = nowUnixSeconds > snapshot.sinceUnixSeconds ? nowUnixSeconds - snapshot.sinceUnixSeconds : 0
        return "since \(since) (\(duration(seconds: age)) ago)"
    }

    private static func counterRows(_ snapshot: StatisticsSnapshot) -> [[String]] {
        let names = columns(snapshot)
        return [[""] + names.map(title)]
            + snapshot.scopes.map { scope in
                [label(scope)]
                    + names.map { name in scope.counters.first { $0.name == name }.map { grouped($0.value) } ?? "-" }
            }
    }

    /// Counters in the order in which scopes give them, unknown ones included.
    private static func columns(_ snapshot: StatisticsSnapshot) -> [String] {
        snapshot.scopes.flatMap { $0.counters.map(\.name) }
            .reduce(into: []) { names, name in if !names.contains(name) { names.append(name) } }
    }

    private static func latencyRows(_ snapshot: StatisticsSnapshot) -> [[String]] {
        var rows = [["", "latency", "count", "mean", "p50", "p90", "p99", "max"]]
        for scope in snapshot.scopes {
            let timed = scope.latencies.filter { $0.count > 0 }
            for (index, latency) in timed.enumerated() {
                let times = [UInt64(latency.mean.rounded()), latency.p50, latency.p90, latency.p99, latency.max]
                rows.append(
                    [index == 0 ? label(scope) : "", title(latency.name), grouped(latency.count)]
                        + times.map(duration(microseconds:)))
            }
        }
        return rows
    }

    private static func label(_ scope: StatisticsSnapshot.Scope) -> String {
        scope.name.isEmpty ? scope.kind : "\(scope.kind) \(scope.name)"
    }

    /// `promptTokens` reads "prompt tokens".
    private static func title(_ name: String) -> String {
        name.map { $0.isUppercase ? " \($0.lowercased())" : String($0) }.joined()
    }
}

// MARK: Text

extension StatisticsTable {
    /// Columns as wide as their widest cell, two blanks between; the first `leftColumns` begin at the left.
    static func aligned(_ rows: [[String]], leftColumns: Int = 1) -> [String] {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                return column < leftColumns ? cell + blanks : blanks + cell
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// 1234567 reads "1,234,567".
    static func grouped(_ number: UInt64) -> String {
        let digits = Array(String(number))
        return digits.enumerated().map { index, digit in
            index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : String(digit)
        }.joined()
    }

    /// Three significant digits and the unit that fits: "812 µs", "12.3 ms", "1.25 s".
    static func duration(microseconds: UInt64) -> String {
        switch microseconds {
        case ..<1000: "\(microseconds) µs"
        case ..<1_000_000: "\(significant(Double(microseconds) / 1e3)) ms"
        default: "\(significant(Double(microseconds) / 1e6)) s"
        }
    }

    private static func significant(_ value: Double) -> String {
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return String(format: "%.\(decimals)f", value)
    }

    private static func duration(seconds: UInt64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}

import Histogram

/// Latencies in microseconds: an HdrHistogram with two significant digits, so every percentile is within 1 %
/// (Gil Tene's HdrHistogram). About 2 KiB when new, 26 KiB when it has seen an hour.
package struct LatencyHistogram: Sendable, Equatable {
    /// Longer latencies count as this long: one day.
    package static let microsecondsMax: UInt64 = 86_400_000_000

    private var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .two)

    package init() {}

    package var count: UInt64 { histogram.totalCount }
    package var isEmpty: Bool { count == 0 }
    /// Of the buckets' middles; 0 when empty.
    package var mean: Double { isEmpty ? 0 : histogram.mean }
    /// The largest latency recorded, exactly.
    package var max: UInt64 { isEmpty ? 0 : histogram.maxRecorded }

    /// The latency that `percent` of the recorded ones do not exceed; 0 when empty.
    package func percentile(_ percent: Double) -> UInt64 {
        isEmpty ? 0 : histogram.valueAtPercentile(percent)
    }

    /// Records one latency `times` times over.
    package mutating func record(microseconds: UInt64, times: UInt64 = 1) {
        histogram.record(min(microseconds, Self.microsecondsMax), count: times)
    }

    package mutating func add(_ other: LatencyHistogram) {
        histogram.add(other.histogram)
    }
}

// MARK: As bytes

extension LatencyHistogram {
    /// The version byte, then for each non-empty bucket in ascending order two LEB128 numbers: the distance of its
    /// value from the bucket before, and its count. The last bucket's value is the largest latency itself: percentiles
    /// are cut off there, and must not change with a restart.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = [1]
        var previous: UInt64 = 0
        for bucket in histogram.recordedValues() {
            let value = min(bucket.value, max)
            append(value - previous, to: &bytes)
            append(bucket.count, to: &bytes)
            previous = value
        }
        return bytes
    }

    /// Nil when `bytes` are no histogram: an unknown version, a number cut short or out of range.
    package init?(encoded bytes: [UInt8]) {
        guard bytes.first == 1 else { return nil }
        var position = 1
        var value: UInt64 = 0
        var total: UInt64 = 0
        while position < bytes.count {
            guard let step = number(in: bytes, at: &position), let count = number(in: bytes, at: &position), count > 0
            else { return nil }
            let (next, isTooFar) = value.addingReportingOverflow(step)
            let (sum, isTooMany) = total.addingReportingOverflow(count)
            guard !isTooFar, !isTooMany, next <= Self.microsecondsMax else { return nil }
            value = next
            total = sum
            histogram.record(value, count: count)
        }
    }
}

private func append(_ number: UInt64, to bytes: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
}

private func number(in bytes: [UInt8], at position: inout Int) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, through: 63, by: 7) {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        position += 1
        // The tenth byte has room for one bit.
        guard shift < 63 || byte <= 1 else { return nil }
        value |= UInt64(byte & 0x7F) << UInt64(shift)
        if byte & 0x80 == 0 { return value }
    }
    return nil
}

import Kernels

/// The unnormalised probabilities of a row, e^((l - max) / T): 1 for the most likely token, 0 below e^-87.
///
/// Sums are taken over blocks of 256 tokens, then over blocks, in the order of ids: one fixed order, quick to search.
package struct TokenWeights {
    /// [vocabulary], by id.
    package private(set) var values: [Float] = []
    private var blockSums: [Double] = []
    private static let block = 256

    package init() {}

    package mutating func fill(_ logits: Span<Float>, maximum: Float, temperature: Float, _ context: ComputeContext) {
        if values.count != logits.count { values = [Float](repeating: 0, count: logits.count) }
        var weights = values.mutableSpan
        for id in logits.indices { weights[id] = (logits[id] - maximum) / temperature }
        context.exponentiate(&weights)
        blockSums.removeAll(keepingCapacity: true)
        for start in stride(from: 0, to: values.count, by: Self.block) {
            blockSums.append(Self.sum(values.span, start..<min(start + Self.block, values.count)))
        }
    }

    package var total: Double { blockSums.reduce(0, +) }

    /// The first id at which the running sum passes `target` < total.
    package func id(at target: Double) -> Int32 {
        var before = 0.0
        for (block, sum) in blockSums.enumerated() {
            if before + sum > target { return search(block, before, target) }
            before += sum
        }
        return search(blockSums.lastIndex { $0 > 0 } ?? 0, 0, .infinity)
    }

    /// Within a block the sum is rounded in another order: where it falls short, the block's last possible token is the one.
    private func search(_ block: Int, _ before: Double, _ target: Double) -> Int32 {
        let start = block * Self.block
        var sum = before
        var last = start
        for id in start..<min(start + Self.block, values.count) where values[id] > 0 {
            sum += Double(values[id])
            last = id
            if sum > target { break }
        }
        return Int32(last)
    }

    /// Four interleaved sums: additions that do not wait for each other.
    private static func sum(_ values: Span<Float>, _ range: Range<Int>) -> Double {
        var sums = SIMD4<Double>.zero
        var id = range.lowerBound
        while id + 4 <= range.upperBound {
            sums += SIMD4(Double(values[id]), Double(values[id + 1]), Double(values[id + 2]), Double(values[id + 3]))
            id += 4
        }
        while id < range.upperBound {
            sums[0] += Double(values[id])
            id += 1
        }
        return (sums[0] + sums[1]) + (sums[2] + sums[3])
    }
}

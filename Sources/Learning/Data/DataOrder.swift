import Inference

/// In which order a run meets its blocks: every epoch a permutation of its own, drawn from the seed, so that whoever continues at some
/// step meets what the first attempt would have met.
package struct DataOrder: Sendable {
    package let count: Int
    package let seed: UInt64
    private var epoch = -1
    private var order: [Int] = []

    package init(count: Int, seed: UInt64) {
        precondition(count > 0, "no blocks")
        self.count = count
        self.seed = seed
    }

    /// The block at a position of the endless sequence.
    package mutating func index(at position: Int) -> Int {
        let wanted = position / count
        if wanted != epoch { (epoch, order) = (wanted, Self.permutation(count, seed: seed, epoch: wanted)) }
        return order[position % count]
    }

    /// Fisher and Yates's shuffle; `epoch` -1 is that of what is held out.
    static func permutation(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
        var order = Array(0..<count)
        let key = seed ^ (UInt64(truncatingIfNeeded: epoch + 2) &* 0x9E37_79B9_7F4A_7C15)
        for index in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(index, Int(CounterRandom.uniform(seed: key, position: index) * Double(index + 1)))
        }
        return order
    }
}

import Kernels

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers in every run.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}

extension RowBuffer {
    /// Rows of uniform numbers in -1 ... 1.
    static func random(rows: Int, width: Int, seed: UInt64) -> RowBuffer {
        var random = SplitMix64(seed)
        return RowBuffer((0..<rows).map { _ in random.floats(width) })
    }

    convenience init(_ rows: [[Float]]) {
        self.init(rowsMax: rows.count, width: rows[0].count)
        for (index, row) in rows.enumerated() { write(row, row: index) }
    }

    func write(_ values: [Float], row: Int) {
        withMutableRow(row) { span in for index in values.indices { span[index] = values[index] } }
    }

    func rows(_ count: Int) -> [[Float]] { (0..<count).map { array(row: $0) } }
}

extension [Float] {
    /// Equality of bits: tells -0 from 0 and lets NaN equal itself.
    var bits: [UInt32] { map(\.bitPattern) }
}

/// Every instruction set of this machine, each with 1, 2 and 3 threads.
func forEveryContext(_ body: (ComputeContext, String) throws -> Void) rethrows {
    for threads in 1...3 {
        let team = ComputeTeam(threads: threads)
        for instructionSet in InstructionSet.available {
            try body(
                ComputeContext(team: team, instructionSet: instructionSet), "\(instructionSet) on \(threads) threads")
        }
    }
}

func portableContext() -> ComputeContext {
    ComputeContext(team: ComputeTeam(threads: 1), instructionSet: .portable)
}

let rowCounts = [1, 2, 3, 5, 6, 7, 16, 64, 129, 516]

import Learning
import Testing

/// Blocks that begin alike compute that beginning once.
struct SharedBeginningTests {
    /// Four tokens alike, then each block its own; targets behind them.
    private static let blocks: [TrainingBlock] = {
        let ends: [(tokens: [Int32], weights: [Float])] = [
            ([5, 9, 48], [0, 1, 1]), ([7, 49], [0, 1]), ([5, 2, 11, 50, 3], [0, 0, 1, 0.25, 1]),
        ]
        let start: [Int32] = [3, 17, 8, 21]
        return ends.map { TrainingBlock(tokens: start + $0.tokens, weights: start.map { _ in 0 } + $0.weights) }
    }()

    private static func pass(_ goldens: TorchGoldens, _ parameters: Parameters, shards: Int) -> BatchPass {
        BatchPass(
            goldens.trunk, parameters,
            PassPlan(shards: shards, blocksMax: 3, blockTokensMax: 17, traceBytesMax: 1 << 20))
    }

    @Test func rowsStandOnceAndBehindTheLastPredictionNone() {
        let places = ShardRows(Self.blocks)
        #expect(places.sharedCount == 4)
        #expect(places.segments.map(\.rows) == [4..<6, 6..<7, 7..<11])
        #expect(places.all.first == Segment(rows: 0..<4, shared: 0..<0))
        #expect(places.segments.map { Array($0.positions) } == [[4, 5], [4], [4, 5, 6, 7]])
        var seen: [Int32] = []
        places.forEachRow(of: Self.blocks) { row, token in
            #expect(row == seen.count)
            seen.append(token)
        }
        #expect(seen == [3, 17, 8, 21, 5, 9, 7, 5, 2, 11, 50])
        #expect(ShardRows([Self.blocks[0]]).sharedCount == 0, "one block shares with nobody")
    }

    @Test func aRowThatPredictsIsNotShared() {
        let text = [TrainingBlock(tokens: [1, 2, 3]), TrainingBlock(tokens: [1, 2, 4])]
        #expect(ShardRows(text).sharedCount == 0)
        let late = TrainingBlock(tokens: [1, 2, 3, 4], isTarget: [false, false, false, true])
        let early = TrainingBlock(tokens: [1, 2, 3, 5], isTarget: [false, false, true, true])
        #expect(ShardRows([late, late]).sharedCount == 2)
        #expect(ShardRows([late, early]).sharedCount == 1)
        let silent = TrainingBlock(tokens: [1, 2, 3], isTarget: [false, false, false])
        #expect(ShardRows([late, silent]).sharedCount == 0)
    }

    /// One block a shard shares nothing: the plain computation.
    @Test(arguments: [true, false])
    func lossAndGradientAreThoseOfTheBlocksOneByOne(gated: Bool) throws {
        let goldens = try TorchGoldens()
        let parameters = try goldens.parameters(gated: gated)
        let (together, apart) = (
            Self.pass(goldens, parameters, shards: 1), Self.pass(goldens, parameters, shards: 3)
        )
        let (loss, wanted) = (together.run(Self.blocks, weight: 0.5), apart.run(Self.blocks, weight: 0.5))
        #expect(abs(loss - wanted) < 1e-6 * wanted)
        for entry in parameters.entries {
            let difference = relativeDifference(together.gradient(of: entry), apart.gradient(of: entry))
            #expect(difference < 1e-5, "\(entry.name): \(difference)")
        }
    }

    @Test func aTargetCountsByItsWeight() throws {
        let goldens = try TorchGoldens()
        let parameters = try goldens.parameters(gated: false)
        let tokens = Self.blocks[2].tokens
        func run(_ weights: [Float]) -> (loss: Double, gradient: [Float]) {
            let pass = Self.pass(goldens, parameters, shards: 1)
            let loss = pass.run([TrainingBlock(tokens: tokens, weights: weights)], weight: 1)
            return (loss, parameters.entries.flatMap { pass.gradient(of: $0) })
        }
        let (one, other) = (run([0, 0, 1, 0, 0, 0, 0, 0, 0]), run([0, 0, 0, 0, 0, 1, 0, 0, 0]))
        let both = run([0, 0, 1, 0, 0, 0.25, 0, 0, 0])
        #expect(abs(both.loss - (one.loss + 0.25 * other.loss)) < 1e-6 * both.loss)
        let wanted = zip(one.gradient, other.gradient).map { $0 + 0.25 * $1 }
        #expect(relativeDifference(both.gradient, wanted) < 1e-5)
        #expect(TrainingBlock(tokens: [1, 2], weights: [1, 0.5]).targetWeight == 0.5, "the first is no target")
    }
}

import Foundation
import Learning
import Testing

struct RateTests {
    @Test func aCosineSinksToATwentiethAndConstantStays() {
        var recipe = Recipe(steps: 100, learningRate: 0.5, warmUp: 0.1)
        #expect(recipe.learningRate(at: 0) == 0.05)
        #expect(recipe.learningRate(at: 9) == 0.5)
        #expect(recipe.learningRate(at: 99) == 0.5)
        recipe.schedule = .cosine
        #expect(recipe.share(at: 0) == 0.1)
        #expect(abs(recipe.share(at: 50) - 0.525) < 1e-12)
        #expect((0.05...0.051).contains(recipe.share(at: 99)))
        let falling = (10..<100).map { recipe.share(at: $0) }
        #expect(falling == falling.sorted(by: >))
    }

    /// AdamW's first step moves what has a gradient by its rate.
    @Test func newRowsMoveAtTheirOwnRate() throws {
        let goldens = try TorchGoldens()
        let blocks = try goldens.blocks
        func moved(_ rowRate: Double?) throws -> (rows: Float, pairs: Float) {
            let recipe = Recipe(
                steps: 1, blocks: 3, blockTokens: 17, learningRate: 0.001, rowRate: rowRate, warmUp: 0, clip: 0)
            let parameters = try goldens.parameters(gated: false)
            let before = parameters.entries.map { parameters.array(of: $0) }
            let run = TrainingRun(
                goldens.trunk, parameters, TrainingSet(train: blocks, held: blocks), recipe, traceBytesMax: 1 << 20)
            _ = try run.advance()
            var most: (rows: Float, pairs: Float) = (0, 0)
            for (entry, old) in zip(parameters.entries, before) {
                let way = zip(parameters.array(of: entry), old).map { abs($0 - $1) }.max() ?? 0
                if entry.name.hasSuffix("new_rows") {
                    most.rows = max(most.rows, way)
                } else {
                    most.pairs = max(most.pairs, way)
                }
            }
            return most
        }
        let (same, own) = (try moved(nil), try moved(0.03))
        #expect(abs(same.rows - 0.001) < 1e-5 && abs(same.pairs - 0.001) < 1e-5, "\(same)")
        #expect(abs(own.rows - 0.03) < 1e-4 && abs(own.pairs - 0.001) < 1e-5, "\(own)")
    }
}

import Learning
import Testing
import Weights

struct GradientTests {
    /// Two shards, and every way of keeping layers: nothing kept, one, all.
    @Test(arguments: [true, false], [0, 1 << 17, 1 << 30])
    func everyGradientIsTorchs(gated: Bool, traceBytesMax: Int) throws {
        let goldens = try TorchGoldens()
        let parameters = try goldens.parameters(gated: gated)
        let blocks = try goldens.blocks
        let targets = blocks.reduce(0) { $0 + $1.targetCount }
        let head = gated ? "gated." : "plain."
        let expected = try goldens.floats(head + "loss")
        #expect(Float(targets) == expected[1])
        let plan = PassPlan(shards: 2, blocksMax: 3, blockTokensMax: 17, traceBytesMax: traceBytesMax)
        let pass = BatchPass(goldens.trunk, parameters, plan)
        let loss = pass.run(blocks, weight: 1 / Float(targets)) / Double(targets)
        #expect(abs(loss - Double(expected[0])) < 1e-5 * loss)
        #expect(parameters.entries.count == (gated ? 43 : 29))
        for entry in parameters.entries {
            let (found, wanted) = (pass.gradient(of: entry), try goldens.floats(head + entry.name))
            #expect(relativeDifference(found, wanted) < 1e-4, "\(entry.name)")
        }
    }

    @Test func finiteDifferencesAgree() throws {
        let goldens = try TorchGoldens()
        let parameters = try goldens.parameters(gated: true)
        let blocks = try goldens.blocks
        let pass = BatchPass(goldens.trunk, parameters, PassPlan(shards: 1, blocksMax: 3, blockTokensMax: 17))
        _ = pass.run(blocks, weight: 1)
        let step: Float = 1e-2
        for entry in parameters.entries where entry.name.contains("layers.1") || entry.name.contains("new_rows") {
            // Along the gradient itself the loss changes by its norm.
            let gradient = pass.gradient(of: entry)
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let start = parameters.array(of: entry)
            parameters.set(entry, to: zip(start, gradient).map { $0 + step * $1 / norm })
            let above = pass.run(blocks, weight: nil)
            parameters.set(entry, to: zip(start, gradient).map { $0 - step * $1 / norm })
            let below = pass.run(blocks, weight: nil)
            parameters.set(entry, to: start)
            let slope = Float((above - below) / Double(2 * step))
            #expect(abs(slope - norm) < 1e-2 * norm + 5e-3, "\(entry.name): \(slope), gradient \(norm)")
        }
    }

    @Test func theBoundOnMemoryHoldsWhatIsKept() throws {
        let goldens = try TorchGoldens()
        let parameters = try goldens.parameters(gated: true)
        for (bytes, kept) in [(0, 0), (1 << 17, 1), (1 << 30, 2)] {
            let plan = PassPlan(shards: 2, blocksMax: 3, blockTokensMax: 17, traceBytesMax: bytes)
            #expect(BatchPass(goldens.trunk, parameters, plan).keptLayers == kept)
            #expect(BatchPass.bytesMax(goldens.trunk.configuration, parameters, plan) < 1_000_000 + bytes)
        }
    }
}

/// |a - b| / |b|
func relativeDifference(_ a: [Float], _ b: [Float]) -> Float {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return a.count == b.count ? (difference / b.reduce(0) { $0 + $1 * $1 }).squareRoot() : .infinity
}

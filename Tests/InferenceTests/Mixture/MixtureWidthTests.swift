import Gating
import Inference
import Testing
import Weights

/// Experts of one layer that differ: full, narrower, and one that computes nothing.
@Suite struct MixtureWidthTests {
    private static let widths = [16, 8, 16, 0, 12]

    private static func name(_ layer: Int, _ expert: Int, _ matrix: String) -> String {
        "model.layers.\(layer).block_sparse_moe.experts.\(expert).\(matrix).weight"
    }

    /// The rows of gate and up beyond F_e, which are zero; for `isCut` they and down's columns are not there at all.
    private static func checkpoint(isCut: Bool) throws -> ChangedCheckpoint {
        var shapes: [String: [Int]] = [:]
        if isCut {
            for layer in 0..<3 {
                for (expert, width) in widths.enumerated() {
                    shapes[name(layer, expert, "w1")] = [width, 32]
                    shapes[name(layer, expert, "w3")] = [width, 32]
                    shapes[name(layer, expert, "w2")] = [32, width]
                }
            }
        }
        return try ChangedCheckpoint(
            "mixtral", configuration: isCut ? ["expert_widths": widths] : [:], shapes: shapes
        ) { tensors in
            for layer in 0..<3 {
                for (expert, width) in widths.enumerated() {
                    for matrix in ["w1", "w3"] {
                        let values = tensors[name(layer, expert, matrix)]?.prefix(width * 32) ?? []
                        let rest = [Float](repeating: 0, count: isCut ? 0 : (16 - width) * 32)
                        tensors[name(layer, expert, matrix)] = width == 0 && isCut ? nil : values + rest
                    }
                    guard isCut, let down = tensors[name(layer, expert, "w2")] else { continue }
                    let columns = (0..<32).flatMap { row in (0..<width).map { down[row * 16 + $0] } }
                    tensors[name(layer, expert, "w2")] = width == 0 ? nil : columns
                }
            }
        }
    }

    private static func model(_ checkpoint: ChangedCheckpoint) throws -> LanguageModel {
        try LanguageModel.load(
            try Checkpoint.open(checkpoint.path), mode: .exact, team: TestModels.team)
    }

    /// What is not computed is what zeros would have given.
    @Test func narrowAndSkipExpertsGiveTheBitsOfZeros() throws {
        let (cut, padded) = (try Self.checkpoint(isCut: true), try Self.checkpoint(isCut: false))
        defer {
            cut.remove()
            padded.remove()
        }
        let ids = try MixtureGolden.read("mixtral").ids
        var counts: MixtureCounts?
        let score = try Self.model(cut).score(ids, team: TestModels.team, counted: { counts = $0 })
        #expect(try score.losses == Self.model(padded).score(ids, team: TestModels.team).losses)
        let layers = try #require(counts).layers
        for layer in layers {
            #expect(layer.costs == Self.widths.map { 3 * 32 * $0 })
            let sum = zip(layer.load.rows, layer.costs).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(layer.costPerToken == Double(sum) / Double(ids.count))
        }
        // The skip expert was chosen: otherwise this shows nothing.
        #expect(layers.contains { $0.load.rows[3] > 0 })
        let full = try Self.model(padded).packedBytes
        #expect(try Self.model(cut).packedBytes < full)
    }

    @Test func widthsThatDisagreeAreRefused() throws {
        let faults: [(String, [Int], WeightsError.Reason)] = [
            ("mixtral", [16, 16], .inconsistent), ("mixtral", [16, 16, 16, 16, 17], .inconsistent),
            ("mixtral", [16, 16, -1, 16, 16], .inconsistent),
            ("mixtral", [0, 0, 0, 0, 0], .inconsistent),
            ("mixtral", [16, 8, 16, 16, 16], .inconsistent),
            ("mixtral-fused", [16, 8, 16, 16, 16], .unsupported),
        ]
        for (name, widths, reason) in faults {
            let changed = try ChangedCheckpoint(name, configuration: ["expert_widths": widths]) { _ in }
            defer { changed.remove() }
            let error = #expect(throws: WeightsError.self, "\(widths)") {
                try Checkpoint.open(changed.path)
            }
            #expect(error?.reason == reason, "\(name) \(widths)")
        }
    }

    /// A stack may hold a skip expert: its slice is not read.
    @Test func aStackMayHoldASkipExpert() throws {
        let changed = try ChangedCheckpoint(
            "mixtral-fused", configuration: ["expert_widths": [16, 16, 0, 16, 16]]
        ) {
            _ in
        }
        defer { changed.remove() }
        let ids = try MixtureGolden.read("mixtral-fused").ids
        let score = try Self.model(changed).score(ids, team: TestModels.team)
        #expect(score.losses.allSatisfy { $0.isFinite })
        #expect(
            try score.losses
                != MixtureGolden.model("mixtral-fused").score(ids, team: TestModels.team).losses)
    }
}

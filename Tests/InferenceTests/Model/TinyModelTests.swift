import Foundation
import Inference
import Testing

@Suite("Architecture variants against transformers")
struct TinyModelTests {
    /// Random models with: an untied head and one key-value head; as many as query heads; heads wider than hidden/heads with
    /// linear scaling; llama3 and YaRN scaling; qwen2's biases.
    static let names = ["untied-mqa-f32", "mha", "wide-heads-linear", "llama3", "yarn", "qwen2"]

    @Test(arguments: names)
    func logitsAgree(name: String) throws {
        let golden = try TinyGolden.read(name)
        let rows = try TestModels.tiny(name).logits(golden.ids)
        var worst: Float = 0
        for row in golden.rows {
            for (ours, theirs) in zip(rows[row.position], row.logits) { worst = max(worst, abs(ours - theirs)) }
        }
        #expect(worst < 2e-4, "largest difference \(worst)")
        #expect(golden.rows.allSatisfy { $0.logits.count == rows[$0.position].count })
    }
}

import ExpertStore
import Foundation

/// What `skein expert fuse` says at its end: mean NLL per predicted token on the held-out lines, by text.
struct FuseReport: Encodable {
    struct Text: Encodable {
        let name: String
        let tokens: Int
        let trunk, merged, phatgoose, fused: Double
        /// With refitted routers, where that was asked for.
        let distilled: Double?
    }

    struct Distillation: Encodable {
        let target: String
        let ridge: Double
        let tokens: Int
        /// Mean over layers of the cross-entropy to PHATGOOSE's shares, in nats per token.
        let crossEntropyBefore, crossEntropyAfter: Double
    }

    let folder, attention: String
    let experts: [String]
    let topK: Int
    /// Mean NLL on the train lines of each attention that was tried.
    let attentionNLL: [String: Double]
    let distillation: Distillation?
    let texts: [Text]
    let mean: Text

    func printTable() {
        func column(_ text: String) -> String { String(repeating: " ", count: max(1, 12 - text.count)) + text }
        func number(_ value: Double) -> String { column(String(format: "%.4f", value)) }
        let names = ["tokens", "trunk", "merged", "phatgoose", "fused"] + (distillation == nil ? [] : ["distilled"])
        print("NLL per token".padding(toLength: 16, withPad: " ", startingAt: 0) + names.map(column).joined())
        for row in texts + [mean] {
            let values = [row.trunk, row.merged, row.phatgoose, row.fused] + [row.distilled].compactMap { $0 }
            print(
                row.name.padding(toLength: 16, withPad: " ", startingAt: 0) + column("\(row.tokens)")
                    + values.map(number).joined())
        }
        let tried = attentionNLL.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.4f", $0.value))" }
        print("attention     \(attention) (train lines: \(tried.joined(separator: ", ")))")
        if let distillation {
            let (before, after) = (distillation.crossEntropyBefore, distillation.crossEntropyAfter)
            print(
                "routers       refitted to PHATGOOSE's \(distillation.target) on \(distillation.tokens) tokens: cross-entropy "
                    + String(format: "%.4f to %.4f", before, after))
        }
        print("experts       \(experts.joined(separator: ", ")); \(topK) per token")
        print("written to \(folder)")
    }
}

import Foundation
import Inference
import Kernels
import Weights

/// `Goldens/mixture/NAME`: a small random model, and what transformers (of OpenMoE: a port in torch) makes of it.
struct MixtureGolden: Decodable {
    struct Row: Decodable {
        let position: Int
        let logits: [Float]
    }

    /// What every token gets at one layer, experts ascending.
    struct Routed: Decodable {
        let layer: Int
        let experts: [[Int32]]
        let weights: [[Float]]
    }

    let ids: [Int32]
    let rows: [Row]
    let routed: [Routed]

    static let names = ["mixtral", "mixtral-fused", "qwen2moe", "qwen2moe-norm", "qwen3moe-fused", "olmoe", "openmoe"]

    static func folder(_ name: String) -> URL { TestModels.goldens.appending(path: "mixture/\(name)") }

    static func read(_ name: String) throws -> MixtureGolden {
        try JSONDecoder().decode(
            MixtureGolden.self, from: Data(contentsOf: folder(name).appending(path: "golden.json")))
    }

    /// Those whose weights are there as GGUF too.
    static let inGGUF = ["mixtral", "qwen2moe", "qwen3moe-fused"]

    static func model(_ name: String, inGGUF: Bool = false) throws -> LanguageModel {
        let path = inGGUF ? folder(name).appending(path: "model.gguf").path : folder(name).path
        return try LanguageModel.load(try Checkpoint.open(path), mode: .exact, team: TestModels.team)
    }
}

import Foundation
import Learning
import Weights

/// What torch computed in double precision on a tiny Llama model (`Goldens/make_goldens.py`).
struct TorchGoldens {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens").path

    let file: SafetensorsFile
    let trunk: FrozenTrunk

    init() throws {
        file = try SafetensorsFile(path: "\(Self.folder)/gradients.safetensors")
        trunk = try FrozenTrunk(Checkpoint.open("\(Self.folder)/trunk"), positions: 32)
    }

    func floats(_ name: String) throws -> [Float] { try file.tensor(name).floats() }

    var blocks: [TrainingBlock] {
        get throws {
            try (0..<3).map { index in
                TrainingBlock(
                    tokens: try floats("block.\(index)").map { Int32($0) },
                    isTarget: try floats("mask.\(index)").map { $0 > 0 })
            }
        }
    }

    /// All parameters of the golden model, all trained.
    func parameters(gated: Bool) throws -> Parameters {
        let plan = ParameterPlan(
            sites: Set(Site.allCases), rank: 4, scale: 1.5, hasGates: gated, newRows: 3,
            trained: [.pairs, .gates, .rows])
        let parameters = Parameters(plan, for: trunk.configuration)
        for entry in parameters.entries { parameters.set(entry, to: try floats(entry.name)) }
        return parameters
    }
}

/// What torch's AdamW makes of the golden model in six steps.
struct StepGoldens {
    private let file: SafetensorsFile

    init() throws { file = try SafetensorsFile(path: "\(TorchGoldens.folder)/steps.safetensors") }

    func floats(_ name: String) throws -> [Float] { try file.tensor(name).floats() }
}

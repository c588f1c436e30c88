import Digest
import ExpertStore
import Foundation
import Learning
import Tokenization
import Weights

/// The trunk that a run trains beside, with what it reads text by.
struct TrainingTrunk {
    let text: ModelText
    let configuration: ModelConfiguration
    let hash: SHA256Digest
    private let checkpoint: Checkpoint

    init(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure.usage("--trunk \(path): there is no such file or folder; is the path right?")
        }
        text = try ModelText(path: path)
        checkpoint = try Checkpoint.open(path)
        configuration = checkpoint.configuration
        try FrozenTrunk.check(configuration, file: path)
        hash = try ExpertStore.hash(of: checkpoint)
    }

    /// All of it in f32.
    func load(blockTokens: Int) throws -> FrozenTrunk {
        guard blockTokens <= configuration.contextLength else {
            throw CommandFailure.usage(
                "--block is \(blockTokens), more than the \(configuration.contextLength) positions of the model")
        }
        return try FrozenTrunk(checkpoint, positions: blockTokens)
    }

    /// What experts' manifests call the trunk: the folder that they lie in.
    static func name(besides out: String) -> String {
        URL(filePath: out).standardizedFileURL.deletingLastPathComponent().lastPathComponent
    }
}

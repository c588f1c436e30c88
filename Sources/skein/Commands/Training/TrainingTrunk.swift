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
    private let blockTokens: Int

    /// Blocks beyond the model's positions are refused here, before a run has a folder.
    init(_ path: String, blockTokens: Int) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure.usage("--trunk \(path): there is no such file or folder; is the path right?")
        }
        text = try ModelText(path: path)
        checkpoint = try Checkpoint.open(path)
        configuration = checkpoint.configuration
        self.blockTokens = blockTokens
        guard blockTokens <= configuration.contextLength else {
            throw CommandFailure.usage(
                "--block is \(blockTokens), more than the \(configuration.contextLength) positions of the model")
        }
        try FrozenTrunk.check(configuration, file: path)
        hash = try ExpertStore.hash(of: checkpoint)
    }

    /// All of it in f32.
    func load() throws -> FrozenTrunk { try FrozenTrunk(checkpoint, positions: blockTokens) }

    /// What experts' manifests call the trunk: the folder that they lie in.
    static func name(besides out: String) -> String {
        URL(filePath: out).standardizedFileURL.deletingLastPathComponent().lastPathComponent
    }
}

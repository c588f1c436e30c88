import FoundationEssentials
import Weights

extension Tokenizer {
    /// Reads `tokenizer.json`, else a SentencePiece model, and where there are any `tokenizer_config.json` and `chat_template.jinja` of a
    /// model's folder.
    package convenience init(folder: String) throws(TokenizationError) {
        var configuration: TokenizerConfiguration?
        let configurationPath = folder + "/tokenizer_config.json"
        if FileManager.default.fileExists(atPath: configurationPath) {
            configuration = try TokenizerConfiguration(JSONPlace(path: configurationPath))
        }
        var source = try Self.source(folder, configuration)
        // Newer folders keep the template in a file of its own, which then counts.
        if let template = try Self.templateFile(folder + "/chat_template.jinja") { source.chatTemplate = template }
        if try Self.isOpenMoE(folder) {
            // umT5's tokenizer has no such token; the model was trained with its padding, 0, before every text.
            source.beginOfSequence = 0
            source.addsBeginOfSequence = true
        }
        try self.init(source)
    }

    /// The names that Hugging Face's libraries give a SentencePiece model.
    private static let modelNames = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model"]

    private static func source(
        _ folder: String, _ configuration: TokenizerConfiguration?
    ) throws(TokenizationError) -> VocabularySource {
        let exists = FileManager.default.fileExists(atPath:)
        if !exists(folder + "/tokenizer.json"), let name = modelNames.first(where: { exists("\(folder)/\($0)") }) {
            return try VocabularySource(SentencePieceFile(path: "\(folder)/\(name)"), configuration)
        }
        return try VocabularySource(TokenizerFile(JSONPlace(path: folder + "/tokenizer.json")), configuration)
    }

    private static func isOpenMoE(_ folder: String) throws(TokenizationError) -> Bool {
        let path = folder + "/config.json"
        guard FileManager.default.fileExists(atPath: path) else { return false }
        for name in try JSONPlace(path: path)["architectures"].elements() ?? [] {
            if try name.text() == "OpenMoeForCausalLM" { return true }
        }
        return false
    }

    private static func templateFile(_ path: String) throws(TokenizationError) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do throws(WeightsError) {
            return String(
                decoding: try RegularFile.bytes(path, bytesMax: VocabularyLimits.templateBytesMax), as: UTF8.self)
        } catch { throw .unreadable(path: path, reason: "\(error.field): \(error.detail)") }
    }
}

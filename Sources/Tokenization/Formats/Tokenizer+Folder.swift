import FoundationEssentials
import Weights

extension Tokenizer {
    /// Reads `tokenizer.json` and, where there are any, `tokenizer_config.json` and `chat_template.jinja` of a model's folder.
    package convenience init(folder: String) throws(TokenizationError) {
        let file = try TokenizerFile(JSONPlace(path: folder + "/tokenizer.json"))
        var configuration: TokenizerConfiguration?
        let configurationPath = folder + "/tokenizer_config.json"
        if FileManager.default.fileExists(atPath: configurationPath) {
            configuration = try TokenizerConfiguration(JSONPlace(path: configurationPath))
        }
        var source = try VocabularySource(file, configuration)
        // Newer folders keep the template in a file of its own, which then counts.
        if let template = try Self.templateFile(folder + "/chat_template.jinja") { source.chatTemplate = template }
        try self.init(source)
    }

    private static func templateFile(_ path: String) throws(TokenizationError) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do throws(WeightsError) {
            return String(
                decoding: try RegularFile.bytes(path, bytesMax: VocabularyLimits.templateBytesMax), as: UTF8.self)
        } catch { throw .unreadable(path: path, reason: "\(error.field): \(error.detail)") }
    }
}

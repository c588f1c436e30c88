import FoundationEssentials

extension Tokenizer {
    /// Reads `tokenizer.json` and, where there are any, `tokenizer_config.json` and `chat_template.jinja` of a model's folder.
    package convenience init(folder: String) throws(TokenizationError) {
        let file: TokenizerFile = try Self.decode(folder + "/tokenizer.json")
        var configuration: TokenizerConfiguration?
        let configurationPath = folder + "/tokenizer_config.json"
        if FileManager.default.fileExists(atPath: configurationPath) {
            configuration = try Self.decode(configurationPath)
        }
        var source = try VocabularySource(file, configuration)
        let templatePath = folder + "/chat_template.jinja"
        if FileManager.default.fileExists(atPath: templatePath) {
            source.chatTemplate = String(decoding: try Self.contents(templatePath), as: UTF8.self)
        }
        try self.init(source)
    }

    private static func decode<T: Decodable>(_ path: String) throws(TokenizationError) -> T {
        let data = try contents(path)
        do {
            return try JSONDecoder().decode(T.self, from: data)
        } catch let DecodingError.keyNotFound(key, context) {
            throw .malformed(field: "\(path): \(dotted(context.codingPath + [key]))", reason: "is missing")
        } catch let DecodingError.typeMismatch(_, context) {
            throw .malformed(field: "\(path): \(dotted(context.codingPath))", reason: context.debugDescription)
        } catch let DecodingError.valueNotFound(_, context) {
            throw .malformed(field: "\(path): \(dotted(context.codingPath))", reason: context.debugDescription)
        } catch let DecodingError.dataCorrupted(context) {
            throw .malformed(field: "\(path): \(dotted(context.codingPath))", reason: context.debugDescription)
        } catch {
            throw .malformed(field: path, reason: "\(error)")
        }
    }

    private static func dotted(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "the whole file" : path.map(\.stringValue).joined(separator: ".")
    }

    /// The whole file, whose size is checked first.
    private static func contents(_ path: String) throws(TokenizationError) -> Data {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let size = (attributes[.size] as? UInt64).map(Int.init) ?? (attributes[.size] as? Int) ?? Int.max
            guard size <= VocabularyLimits.fileBytesMax else {
                throw TokenizationError.overLimit(field: path, count: size, limit: VocabularyLimits.fileBytesMax)
            }
            return try Data(contentsOf: URL(filePath: path))
        } catch let error as TokenizationError {
            throw error
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
    }
}

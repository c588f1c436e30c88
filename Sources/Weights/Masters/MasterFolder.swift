/// A master's folder as `skein train tokens` writes it beside its trunk (Documentation/Graph.md): vocabulary rows appended after the
/// trunk's own, one per functional token, and perhaps a LoRA adapter.
package struct MasterFolder: Sendable {
    package static let descriptionFile = "functional_tokens.json"
    package static let rowsFile = "functional_tokens.safetensors"
    package static let tokensMax = 1024

    package struct Token: Sendable, Equatable {
        /// As a topology binds it, such as `<french>`.
        package let text: String
        package let description: String
    }

    package let path: String
    /// Of the weight file that it was trained beside, hexadecimal.
    package let trunkSHA256: String
    /// Fitted on natural queries, before masks and biases.
    package let temperature: Double
    /// In the order of the rows.
    package let tokens: [Token]
    /// [N, hidden], row-major.
    package let embedding: [Float]
    /// [N, hidden], row-major; the embedding's where the trunk ties the two.
    package let head: [Float]
    package let hidden: Int
    /// nil where only rows were trained.
    package let adapter: AdapterFolder?

    /// Opens and checks the folder at `path` for a trunk.
    package static func open(_ path: String, for trunk: ModelConfiguration) throws(WeightsError) -> MasterFolder {
        let file = "\(path)/\(descriptionFile)"
        let json = try JSONValue(path: file)
        let tokens = try Self.tokens(json, file)
        let rows = try SafetensorsFile(path: "\(path)/\(rowsFile)")
        let embedding = try matrix("embedding", rows, tokens.count, trunk.hiddenSize)
        if !rows.contains("head"), !trunk.tiedEmbeddings {
            throw WeightsError(
                .missing, file: rows.path, field: "head", "the trunk has a head of its own, so the rows need one too")
        }
        let head = rows.contains("head") ? try matrix("head", rows, tokens.count, trunk.hiddenSize) : embedding
        let hasAdapter = PathName.exists("\(path)/\(AdapterFolder.configurationFile)")
        let adapter = hasAdapter ? try AdapterFolder.open(path) : nil
        try adapter?.check(against: trunk)
        try adapter?.checkFinite()
        return MasterFolder(
            path: path, trunkSHA256: try text("trunk_sha256", json, file),
            temperature: try temperature(json, file), tokens: tokens, embedding: embedding, head: head,
            hidden: trunk.hiddenSize, adapter: adapter)
    }
}

extension MasterFolder {
    private static func tokens(_ json: JSONValue, _ file: String) throws(WeightsError) -> [Token] {
        guard json["version"]?.integerValue == 1 else {
            throw WeightsError(
                .unsupported, file: file, field: "version", "expected 1; this file is of another version")
        }
        guard let list = json["tokens"]?.arrayValue, (1...tokensMax).contains(list.count) else {
            throw WeightsError(.overLimit, file: file, field: "tokens", "expected a list of 1 to \(tokensMax) tokens")
        }
        var tokens: [Token] = []
        var seen: Set<String> = []
        for (index, entry) in list.enumerated() {
            guard let text = entry["token"]?.textValue, !text.isEmpty, text.utf8.count <= 64 else {
                throw WeightsError(
                    .malformed, file: file, field: "tokens[\(index)].token", "expected a text of 1 to 64 bytes")
            }
            guard seen.insert(text).inserted else {
                throw WeightsError(.inconsistent, file: file, field: "tokens[\(index)].token", "\(text) comes twice")
            }
            tokens.append(Token(text: text, description: entry["description"]?.textValue ?? ""))
        }
        return tokens
    }

    private static func text(_ key: String, _ json: JSONValue, _ file: String) throws(WeightsError) -> String {
        guard let text = json[key]?.textValue, text.utf8.count == 64 else {
            throw WeightsError(.malformed, file: file, field: key, "expected 64 hexadecimal digits")
        }
        return text
    }

    private static func temperature(_ json: JSONValue, _ file: String) throws(WeightsError) -> Double {
        guard let value = json["temperature"]?.numberValue, value > 0, value.isFinite else {
            throw WeightsError(.malformed, file: file, field: "temperature", "expected a positive number")
        }
        return value
    }

    private static func matrix(
        _ name: String, _ file: SafetensorsFile, _ rows: Int, _ columns: Int
    ) throws(WeightsError) -> [Float] {
        let tensor = try file.tensor(name)
        guard tensor.shape == [rows, columns] else {
            throw WeightsError(
                .inconsistent, file: file.path, field: name,
                "its shape is \(tensor.shape), expected [\(rows), \(columns)]: one row for each token, as wide as the trunk"
            )
        }
        let values = tensor.floats()
        guard values.allSatisfy(\.isFinite) else {
            throw WeightsError(.malformed, file: file.path, field: name, "holds NaN or infinity")
        }
        return values
    }
}

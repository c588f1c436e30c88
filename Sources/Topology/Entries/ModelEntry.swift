/// How a model's linear layers are computed.
package enum ComputeMode: String, Equatable, Sendable, CaseIterable {
    /// Quantised weights with int8 activations.
    case fast
    /// f32 arithmetic on the dequantised weights: the reference.
    case exact
}

/// One entry of `models:` — a weight file under a name.
package struct ModelEntry: Equatable, Sendable {
    package let name: String
    /// Absolute. That it is there is checked at launch (`verifyFiles`), not here.
    package let file: String
    /// Of the file, 64 hexadecimal digits in lower case; checked by the worker when given.
    package let sha256: String?
    package let compute: ComputeMode
    /// Tokens a sequence may have, prompt and answer; nil: what the weight file says.
    package let contextTokens: Int?
    /// Of a model with mixture layers; nil: none is dropped.
    package let capacity: CapacityEntry?
    /// Of a routed model.
    package let experts: ExpertsEntry?
    /// Of a model whose mixture layers' experts are computed by workers.
    package let mixture: MixtureEntry?
    package let line: Int
}

extension ModelEntry {
    static let keys = ["name", "file", "sha256", "compute", "context", "capacity", "experts", "mixture"]
    static let countMax = 256

    /// Nil, with an issue, when a required key is missing or wrong.
    init?(reading section: Section, paths: ClusterPaths) {
        let name = section.name("name", missing: "give the model a name that workers and nodes refer to")
        let file = section.requiredText("file", missing: "give the weight file, relative to this topology")
        let sha256 = Self.digest(section)
        let compute = section.choice("compute", default: ComputeMode.fast)
        let context =
            section.has("context") ? section.integer("context", in: 16...4_194_304, default: 16, unit: "tokens") : nil
        let experts = section.section("experts", keys: ExpertsEntry.keys).flatMap {
            ExpertsEntry(reading: $0, paths: paths)
        }
        let mixture = section.section("mixture", keys: MixtureEntry.keys).map { MixtureEntry(reading: $0) }
        if mixture != nil, section.has("experts") {
            section.add(
                "mixture",
                "and experts: go together in no model yet; serve the same file under two names, one with each")
        }
        guard let name, let file else { return nil }
        self.init(
            name: name, file: paths.resolved(file), sha256: sha256, compute: compute, contextTokens: context,
            capacity: CapacityEntry(reading: section, "capacity"), experts: experts, mixture: mixture,
            line: section.line)
    }

    private static func digest(_ section: Section) -> String? {
        guard let text = section.text("sha256")?.lowercased() else { return nil }
        guard text.utf8.count == 64, text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            section.add("sha256", "is not a SHA-256; give the 64 hexadecimal digits that sha256sum prints")
            return nil
        }
        return text
    }
}

/// `adapter_config.json` of a LoRA adapter as PEFT 0.21 writes it, reduced to what an additive pair per linear layer needs.
///
/// Everything PEFT can express is either honoured here or refused by its name.
package struct AdapterConfiguration: Sendable {
    /// The path as it was opened.
    package let file: String
    /// `base_model_name_or_path`: what the adapter's author says it was made for.
    package let baseModel: String?
    /// `r`, where `rank_pattern` says nothing else.
    package let rank: Int
    /// `lora_alpha`, where `alpha_pattern` says nothing else.
    package let alpha: Double
    /// `use_rslora`: s = alpha / sqrt(r) instead of alpha / r.
    package let isRankStabilised: Bool
    private let ranks: SitePatterns<Int>
    private let alphas: SitePatterns<Double>
    private let selection: ModuleSelection

    /// Reads the file at `path`.
    package init(path: String) throws(WeightsError) {
        let fields = try AdapterFields(path: path)
        try fields.refuseWhatIsNotAdditive()
        file = path
        baseModel = try fields.text("base_model_name_or_path")
        guard let rank = try fields.integer("r", in: 1...Limits.adapterRankMax) else { throw fields.missing("r") }
        guard let alpha = try fields.number("lora_alpha") else { throw fields.missing("lora_alpha") }
        self.rank = rank
        self.alpha = alpha
        isRankStabilised = try fields.flag("use_rslora") ?? false
        ranks = try SitePatterns(fields, "rank_pattern") { value, name throws(WeightsError) in
            try fields.integer(value, name, in: 1...Limits.adapterRankMax)
        }
        alphas = try SitePatterns(fields, "alpha_pattern") { value, name throws(WeightsError) in
            try fields.number(value, name)
        }
        selection = try ModuleSelection(fields)
    }

    /// Whether the adapter has a pair at this site, as far as the configuration says.
    package func targets(_ site: String) -> Bool { selection.contains(site) }

    /// r at a site.
    package func rank(at site: String) throws(WeightsError) -> Int { try ranks.value(at: site, in: file) ?? rank }

    /// s = alpha / r, or alpha / sqrt(r), in double precision as PEFT computes it and then rounded once.
    package func scale(at site: String) throws(WeightsError) -> Float {
        let alpha = try alphas.value(at: site, in: file) ?? alpha
        let rank = Double(try rank(at: site))
        return Float(alpha / (isRankStabilised ? rank.squareRoot() : rank))
    }
}

/// `rank_pattern` or `alpha_pattern`: patterns for the end of a module's path, and the value each one gives.
private struct SitePatterns<Value: Sendable & Equatable>: Sendable {
    private let field: String
    private let entries: [(key: String, pattern: ModulePattern, value: Value)]

    init(
        _ fields: AdapterFields, _ name: String,
        value: (JSONValue, String) throws(WeightsError) -> Value
    ) throws(WeightsError) {
        field = name
        guard let object = fields.value(name) else {
            entries = []
            return
        }
        guard let members = object.objectValue else { throw fields.wrongType(name, "an object") }
        guard members.count <= Limits.adapterNamesMax else {
            throw WeightsError(
                .overLimit, file: fields.file, field: name, "\(members.count) entries, over \(Limits.adapterNamesMax)")
        }
        var entries: [(key: String, pattern: ModulePattern, value: Value)] = []
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            let place = "\(name).\(key)"
            // peft.utils.other.get_pattern_key: re.match(rf"(.*\.)?({key})$", site)
            let pattern = try ModulePattern("(.*\\.)?(\(key))", file: fields.file, field: place)
            entries.append((key.text, pattern, try value(member, place)))
        }
        self.entries = entries
    }

    /// PEFT takes the first key that matches, and a JSON object has no order: where two keys with different values match
    /// the same site, nobody can say what was meant.
    func value(at site: String, in file: String) throws(WeightsError) -> Value? {
        var found: (key: String, value: Value)?
        for entry in entries where entry.pattern.matchesWhole(site) {
            if let found, found.value != entry.value {
                throw WeightsError(
                    .unsupported, file: file, field: field,
                    "both \(found.key) and \(entry.key) match \(site), with different values; leave one")
            }
            found = (entry.key, entry.value)
        }
        return found?.value
    }
}

extension ModuleSelection {
    fileprivate init(_ fields: AdapterFields) throws(WeightsError) {
        guard let targets = fields.value("target_modules") else { throw fields.missing("target_modules") }
        let isAllLinear = targets.textValue?.lowercased() == "all-linear"
        self.targets = isAllLinear ? .allLinear : .names(try Names(targets, fields, "target_modules"))
        if let excluded = fields.value("exclude_modules"), excluded != .array([]) {
            self.excluded = try Names(excluded, fields, "exclude_modules")
        } else {
            self.excluded = nil
        }
        layers = try Self.layers(fields)
        layerLists = try Self.layerLists(fields)
        guard targets.textValue == nil || layers == nil else {
            throw WeightsError(
                .inconsistent, file: fields.file, field: "layers_to_transform",
                "PEFT allows it only beside a list of target_modules")
        }
    }

    private static func layers(_ fields: AdapterFields) throws(WeightsError) -> Set<Int>? {
        let name = "layers_to_transform"
        guard let value = fields.value(name), value != .array([]) else { return nil }
        var result: Set<Int> = []
        for element in value.arrayValue ?? [value] {
            result.insert(try fields.integer(element, name, in: 0...Limits.layersMax - 1))
        }
        return result
    }

    private static func layerLists(_ fields: AdapterFields) throws(WeightsError) -> [ModulePattern] {
        let name = "layers_pattern"
        guard let value = fields.value(name), value != .text("") else { return [] }
        let texts = if let text = value.textValue { [text] } else { try fields.texts(value, name) }
        var result: [ModulePattern] = []
        for text in texts { result.append(try ModulePattern(text, file: fields.file, field: name)) }
        return result
    }
}

extension ModuleSelection.Names {
    fileprivate init(_ value: JSONValue, _ fields: AdapterFields, _ name: String) throws(WeightsError) {
        if let pattern = value.textValue {
            self = .pattern(try ModulePattern(pattern, file: fields.file, field: name))
        } else {
            let names = try fields.texts(value, name)
            guard !names.isEmpty else { throw WeightsError(.malformed, file: fields.file, field: name, "is empty") }
            self = .endings(Set(names))
        }
    }
}

extension ImportedAdapter {
    /// Reads one expert of a safetensors file with the key names of mttl or of r-three/phatgoose; both store A as [inputs,
    /// rank] and B as [rank, outputs]:
    ///
    ///     mttl      <module>[.experts.<expert>].lora_a, .lora_b      gate  <module>.selector[.gates].<expert>.v
    ///     r-three   <module>._addons.expert_lora.layer1__<i>, layer2__<i>
    ///               gate  <module>._addons.router.expert_embeddings__<i>, or ._addons.<...>expert_input_gate__<i>
    ///
    /// - Parameters:
    ///   - expert: which one, where the file holds several.
    ///   - alpha: neither format stores it; s = alpha / rank.
    package static func foreign(
        path: String, expert: String? = nil, alpha: Double
    ) throws(WeightsError) -> ImportedAdapter {
        try foreign(SafetensorsFile(path: path), expert: expert, alpha: alpha)
    }

    /// Reads a file held in memory; `file` is what errors call it.
    package static func foreign(
        bytes: [UInt8], file: String, expert: String? = nil, alpha: Double
    ) throws(WeightsError) -> ImportedAdapter {
        try foreign(SafetensorsFile(bytes: bytes, file: file), expert: expert, alpha: alpha)
    }

    private static func foreign(
        _ file: SafetensorsFile, expert: String?, alpha: Double
    ) throws(WeightsError) -> ImportedAdapter {
        if let unread = file.unreadNames.first { _ = try file.tensor(unread) }
        var keys: [ForeignKey] = []
        for name in file.tensorNames {
            guard let key = ForeignKey(name) else {
                throw WeightsError(
                    .unsupported, file: file.path, field: name, "is no name that mttl or r-three give a pair or a gate")
            }
            keys.append(key)
        }
        let chosen = try choose(expert, among: keys, file: file.path)
        let own = keys.filter { $0.expert == nil || $0.expert == chosen }
        let sites = Dictionary(grouping: own, by: \.site)
        var pairs: [Pair] = []
        var gates: [String: [Float]] = [:]
        var isHalf = true
        for (site, keys) in sites.sorted(by: { $0.key < $1.key }) {
            let parts = Dictionary(grouping: keys, by: \.part)
            for (_, twins) in parts where twins.count > 1 {
                throw WeightsError(
                    .malformed, file: file.path, field: twins[1].name, "says again what \(twins[0].name) says")
            }
            if let gate = parts[.gate]?.first { gates[site] = try file.tensor(gate.name).floats() }
            guard let down = parts[.down]?.first, let up = parts[.up]?.first else {
                throw WeightsError(.missing, file: file.path, field: site, "lacks one matrix of its pair")
            }
            let (a, b) = (try file.tensor(down.name), try file.tensor(up.name))
            isHalf = isHalf && a.type == .float16 && b.type == .float16
            pairs.append(try pair(site, a, b, alpha: alpha, file: file.path))
        }
        return try ImportedAdapter(pairs: pairs, gates: gates, isHalf: isHalf, file: file.path)
    }

    private static func choose(
        _ expert: String?, among keys: [ForeignKey], file: String
    ) throws(WeightsError) -> String? {
        let names = Set(keys.compactMap(\.expert)).sorted()
        if let expert {
            guard names.contains(expert) else {
                throw WeightsError(
                    .missing, file: file, field: "expert", "\(expert) is not among \(names.joined(separator: ", "))")
            }
            return expert
        }
        guard names.count <= 1 else {
            throw WeightsError(
                .unsupported, file: file, field: "expert",
                "the file holds \(names.prefix(8).joined(separator: ", ")): name one with --expert")
        }
        return names.first
    }

    private static func pair(
        _ site: String, _ a: TensorView, _ b: TensorView, alpha: Double, file: String
    ) throws(WeightsError) -> Pair {
        guard a.shape.count == 2, b.shape.count == 2, a.columns == b.rows, a.columns <= Limits.adapterRankMax else {
            throw WeightsError(
                .inconsistent, file: file, field: site,
                "\(a.name) is \(a.shape) and \(b.name) is \(b.shape); expected [inputs, rank] and [rank, outputs]")
        }
        return Pair(
            site: site, rank: a.columns, alpha: alpha, inputs: a.rows, outputs: b.columns,
            down: a.transposedFloats(), up: b.transposedFloats())
    }
}

/// What a foreign tensor name says.
struct ForeignKey {
    enum Part {
        case down, up, gate
    }

    let name: String
    let site: String
    /// Nil where the file is one expert's and does not repeat its name.
    let expert: String?
    let part: Part

    init?(_ name: String) {
        let plain = name.hasPrefix(PEFTNames.prefix) ? String(name.dropFirst(PEFTNames.prefix.count)) : name
        guard let found = Self.rThree(plain) ?? Self.mttl(plain), !found.site.isEmpty else { return nil }
        self.name = name
        (site, expert, part) = found
    }

    private static func mttl(_ name: String) -> (site: String, expert: String?, part: Part)? {
        for (ending, part) in [(".lora_a", Part.down), (".lora_b", .up)] where name.hasSuffix(ending) {
            let module = String(name.dropLast(ending.count))
            guard let (site, expert) = split(module, ".experts.") else { return (module, nil, part) }
            return (site, expert, part)
        }
        guard name.hasSuffix(".v") else { return nil }
        let module = String(name.dropLast(2))
        guard let (site, expert) = split(module, ".selector.gates.") ?? split(module, ".selector.") else { return nil }
        return (site, expert, .gate)
    }

    private static func rThree(_ name: String) -> (site: String, expert: String?, part: Part)? {
        guard let (site, rest) = split(name, "._addons."), let (what, index) = split(rest, "__"),
            !index.isEmpty, index.utf8.allSatisfy(ByteSet.digit.contains)
        else { return nil }
        switch what {
        case "expert_lora.layer1": return (site, index, .down)
        case "expert_lora.layer2": return (site, index, .up)
        case "router.expert_embeddings": return (site, index, .gate)
        default: return what.hasSuffix("expert_input_gate") ? (site, index, .gate) : nil
        }
    }

    private static func split(_ text: String, _ separator: String) -> (String, String)? {
        guard let range = text.firstRange(of: separator) else { return nil }
        return (String(text[..<range.lowerBound]), String(text[range.upperBound...]))
    }
}

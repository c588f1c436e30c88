import Yams

/// A mapping of the topology file while it is read: typed values by key, with defaults, every mistake recorded with
/// its line. A value that is wrong is recorded and replaced by its default, so that reading goes on to the next one.
struct Section {
    let mapping: Node.Mapping
    /// Where this section stands: `router.limits`, `workers[1]`; empty at the top.
    let keyPath: String
    let line: Int
    let issues: IssueList

    /// Nil (with an issue) when `node` is not a mapping. Keys outside `keys` are issues.
    init?(_ node: Node, keyPath: String, keys: [String], issues: IssueList) {
        let line = node.mark?.line ?? 1
        guard case .mapping(let mapping) = node else {
            issues.add(line: line, key: keyPath, "expected a mapping with the keys \(keys.joined(separator: ", "))")
            return nil
        }
        self.mapping = mapping
        self.keyPath = keyPath
        self.line = line
        self.issues = issues
        rejectUnknownKeys(known: keys)
    }

    private init(emptyAt keyPath: String, line: Int, issues: IssueList) {
        mapping = Node.Mapping([])
        self.keyPath = keyPath
        self.line = line
        self.issues = issues
    }

    private func rejectUnknownKeys(known: [String]) {
        for (key, _) in mapping {
            let name = key.scalar?.string ?? "?"
            guard !known.contains(name) else { continue }
            let place = keyPath.isEmpty ? "a topology" : "`\(keyPath)`"
            issues.add(
                line: key.mark?.line ?? line, key: path(name),
                "unknown key\(suggestion(for: name, among: known)) (\(place) takes \(known.joined(separator: ", ")))")
        }
    }

    /// The full path of `key` in this section.
    func path(_ key: String) -> String {
        keyPath.isEmpty ? key : "\(keyPath).\(key)"
    }

    /// The line of `key`'s value, or the section's own where the key is absent.
    func line(of key: String) -> Int {
        mapping[key]?.mark?.line ?? line
    }

    func has(_ key: String) -> Bool {
        mapping[key] != nil
    }

    func add(_ key: String, _ message: String) {
        issues.add(line: line(of: key), key: path(key), message)
    }
}

// MARK: Nested values

extension Section {
    /// The mapping under `key`; nil when it is absent or (with an issue) not a mapping.
    func section(_ key: String, keys: [String]) -> Section? {
        guard let node = mapping[key] else { return nil }
        return Section(node, keyPath: path(key), keys: keys, issues: issues)
    }

    /// Like `section`, and an absent key reads as an empty mapping: every value takes its default.
    func part(_ key: String, keys: [String]) -> Section {
        section(key, keys: keys) ?? Section(emptyAt: path(key), line: line(of: key), issues: issues)
    }

    func isMapping(_ key: String) -> Bool {
        mapping[key]?.mapping != nil
    }

    func isEmptyList(_ key: String) -> Bool {
        mapping[key]?.sequence?.isEmpty ?? false
    }

    /// Whether the value under `key` is exactly `word`; nothing is recorded.
    func says(_ key: String, _ word: String) -> Bool {
        mapping[key]?.scalar?.string == word
    }

    /// The mappings listed under `key`, at most `countMax`. Entries that are no mapping are issues and left out.
    func sections(_ key: String, keys: [String], countMax: Int) -> [Section] {
        nodes(key, countMax: countMax).enumerated().compactMap { index, node in
            Section(node, keyPath: "\(path(key))[\(index)]", keys: keys, issues: issues)
        }
    }

    /// The names listed under `key` with their lines, at most `countMax`.
    func names(_ key: String, countMax: Int) -> [(name: String, line: Int)] {
        nodes(key, countMax: countMax).enumerated().compactMap { index, node in
            guard let name = text(of: node, path: "\(path(key))[\(index)]") else { return nil }
            return (name, node.mark?.line ?? line)
        }
    }

    private func nodes(_ key: String, countMax: Int) -> [Node] {
        guard let node = mapping[key] else { return [] }
        guard case .sequence(let sequence) = node else {
            add(key, "expected a list (lines that begin with `-`)")
            return []
        }
        if sequence.count > countMax {
            add(key, "\(sequence.count) entries; at most \(countMax) are allowed")
        }
        return Array(sequence.prefix(countMax))
    }

    /// The text of a scalar that is neither empty nor null; otherwise nil, with an issue.
    func text(of node: Node, path: String) -> String? {
        let line = node.mark?.line ?? line
        guard case .scalar(let scalar) = node else {
            issues.add(line: line, key: path, "expected one value, found a \(node.kind)")
            return nil
        }
        let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
        guard !isNull, !scalar.string.isEmpty else {
            issues.add(line: line, key: path, "has no value; give one or leave the key out")
            return nil
        }
        // A control character would end up in paths, logs and terminals.
        guard !scalar.string.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            issues.add(line: line, key: path, "has a control character; remove it")
            return nil
        }
        return scalar.string
    }
}

extension Node {
    fileprivate var kind: String {
        switch self {
        case .scalar: "value"
        case .mapping: "mapping"
        case .sequence: "list"
        case .alias: "alias"
        }
    }
}

/// Which modules a PEFT configuration means (`check_target_module_exists` of peft 0.21).
struct ModuleSelection: Sendable {
    /// Names of modules, each matched as the end of a path; or a pattern for whole paths.
    enum Names: Sendable {
        case endings(Set<String>)
        case pattern(ModulePattern)

        func contains(_ module: String) -> Bool {
            switch self {
            case .pattern(let pattern): return pattern.matchesWhole(module)
            case .endings(let endings):
                if endings.contains(module) { return true }
                var rest = Substring(module)
                while let dot = rest.firstIndex(of: ".") {
                    rest = rest[rest.index(after: dot)...]
                    if endings.contains(String(rest)) { return true }
                }
                return false
            }
        }
    }

    enum Targets: Sendable {
        /// `"all-linear"`: every linear layer but the output head.
        case allLinear
        case names(Names)
    }

    let targets: Targets
    let excluded: Names?
    /// `layers_to_transform`; nil for all.
    let layers: Set<Int>?
    /// `layers_pattern`: what the list of layers is called; empty for any name.
    let layerLists: [ModulePattern]

    func contains(_ module: String) -> Bool {
        if let excluded, excluded.contains(module) { return false }
        switch targets {
        case .allLinear: return module != "lm_head" && !module.hasSuffix(".lm_head")
        case .names(let names): return names.contains(module) && isInLayer(module)
        }
    }

    private func isInLayer(_ module: String) -> Bool {
        guard let layers else { return true }
        guard let layer = layerIndex(module) else { return false }
        return layers.contains(layer)
    }

    /// The first number that is a part of the path of its own, follows the name of a list, and is not the last part.
    /// Without `layers_pattern` the list may have any name, but it must not be the path's first part (PEFT's
    /// `.*?\.[^.]*\.(\d+)\.`).
    private func layerIndex(_ module: String) -> Int? {
        let parts = module.split(separator: ".", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated().dropLast().dropFirst()
        where part.utf8.allSatisfy(ByteSet.digit.contains) {
            guard let layer = Int(part) else { continue }
            if layerLists.isEmpty ? index >= 2 : isList(parts[..<index]) { return layer }
        }
        return nil
    }

    private func isList(_ parts: ArraySlice<Substring>) -> Bool {
        parts.indices.contains { start in
            let name = parts[start...].joined(separator: ".")
            return layerLists.contains { $0.matchesWhole(name) }
        }
    }
}

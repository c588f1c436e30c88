/// How the answers of several nodes become one.
package enum Reassembly: String, Equatable, Sendable, CaseIterable {
    /// The first that ends well.
    case first
    /// All, in the order of their shares.
    case concatenate
    /// What most of them say.
    case vote
}

/// `kind: master` — the model that names nodes, and how its word is taken.
package struct MasterSettings: Equatable, Sendable {
    package let model: String
    /// The folder of its adapter and functional tokens (Documentation/Graph.md). Absolute.
    package let folder: String
    /// The node that answers when the master is unsure.
    package let general: String
    /// Below this functional mass it is unsure.
    package let massMin: Float
    /// By how much another node's share must be ahead before a conversation moves there.
    package let stayMargin: Float
    /// How many nodes answer one query at most.
    package let top: Int
    package let reassembly: Reassembly
    /// A node's logit is lowered by this much for each unit of its cost.
    package let costWeight: Float
    /// A node's logit is lowered by this much where all its workers are full, by less where they are not.
    package let loadWeight: Float
    /// The longest rewrite.
    package let rewriteBytesMax: Int
    let generalLine: Int
}

extension MasterSettings {
    static let keys = [
        "model", "folder", "general", "mass_min", "stay_margin", "top", "reassembly", "cost_weight",
        "load_weight", "rewrite_bytes_max",
    ]
    static let topMax = 16

    /// Nil, with an issue, when a required key is missing.
    init?(reading section: Section, model: String, paths: ClusterPaths) {
        let folder = section.requiredText("folder", missing: "give the folder that `skein train tokens` wrote")
        let general = section.requiredText("general", missing: "name the node that answers when the master is unsure")
        massMin = section.number("mass_min", in: 0...1, default: 0.5)
        stayMargin = section.number("stay_margin", in: 0...1, default: 0.3)
        top = section.integer("top", in: 1...Self.topMax, default: 1, unit: "nodes")
        reassembly = section.choice("reassembly", default: .first)
        costWeight = section.number("cost_weight", in: 0...1_000_000, default: 0)
        loadWeight = section.number("load_weight", in: 0...100, default: 0)
        rewriteBytesMax = section.integer("rewrite_bytes_max", in: 16...4096, default: 512, unit: "bytes")
        generalLine = section.line(of: "general")
        guard let folder, let general else { return nil }
        self.model = model
        self.folder = paths.resolved(folder)
        self.general = general
    }
}

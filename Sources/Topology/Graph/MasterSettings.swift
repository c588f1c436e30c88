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
    let generalLine: Int
}

extension MasterSettings {
    static let keys = ["model", "folder", "general", "mass_min", "stay_margin", "top", "reassembly"]
    static let topMax = 16

    /// Nil, with an issue, when a required key is missing.
    init?(reading section: Section, model: String, paths: ClusterPaths) {
        let folder = section.requiredText("folder", missing: "give the folder that `skein train tokens` wrote")
        let general = section.requiredText("general", missing: "name the node that answers when the master is unsure")
        massMin = section.number("mass_min", in: 0...1, default: 0.5)
        stayMargin = section.number("stay_margin", in: 0...1, default: 0.3)
        top = section.integer("top", in: 1...Self.topMax, default: 1, unit: "nodes")
        reassembly = section.choice("reassembly", default: .first)
        generalLine = section.line(of: "general")
        guard let folder, let general else { return nil }
        self.model = model
        self.folder = paths.resolved(folder)
        self.general = general
    }
}

import Gating

/// What the lanes of a decision share and only read.
final class DecisionStep {
    let version: Int
    let rows: StepRows
    let set: ExpertSet
    let group: SiteGroup
    let products: GateProducts
    /// Choices instead of scores: of a token at a linear of a group, or nil.
    let replay: ((RowOrigin, _ group: Int, _ linear: Int) -> Choice?)?
    let onTopScore: ((RowOrigin, _ group: Int, _ linear: Int, _ score: Float) -> Void)?

    init(
        _ version: Int, _ rows: StepRows, _ set: ExpertSet, _ group: SiteGroup, _ products: GateProducts,
        replay: ((RowOrigin, _ group: Int, _ linear: Int) -> Choice?)?,
        onTopScore: ((RowOrigin, _ group: Int, _ linear: Int, _ score: Float) -> Void)?
    ) {
        (self.version, self.rows, self.set, self.group, self.products) = (version, rows, set, group, products)
        (self.replay, self.onTopScore) = (replay, onTopScore)
    }

    /// Whether something meets the decisions one by one, in their order: they are then one lane's.
    var isWatched: Bool { replay != nil || onTopScore != nil || rows.routes.contains { $0.traces } }
}

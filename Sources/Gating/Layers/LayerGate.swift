/// How the router of an MoE layer turns one token's logits W x, [E], into k experts and their weights.
///
/// The families differ in four things alone: what a logit becomes before the choice, whether groups are chosen first, whether the
/// weights of those chosen are made to sum to 1, and what they are multiplied by. `LayerGate+Families` has them on one page.
package struct LayerGate: Sendable, Equatable {
    /// What a logit becomes.
    package enum Score: Sendable, Equatable {
        /// p = e^x / Σ e^x over all E.
        case softmax
        /// s = 1 / (1 + e^-x).
        case sigmoid
        /// The logit chooses; the weights are the softmax over the k chosen logits.
        case softmaxOfChosen
    }

    /// What ranks a group of experts.
    package enum GroupScore: Sendable, Equatable {
        case max
        case sumOfTopTwo
    }

    /// Experts are E / count to a group; only those in the `kept` best groups may be chosen.
    package struct Groups: Sendable, Equatable {
        package let count: Int
        package let kept: Int
        package let score: GroupScore

        package init(count: Int, kept: Int, score: GroupScore) {
            self.count = count
            self.kept = kept
            self.score = score
        }
    }

    /// E and k.
    package let expertCount: Int
    package let topK: Int
    package let score: Score
    /// Divides the chosen weights by their sum.
    package let renormalises: Bool
    /// Multiplies the weights last.
    package let scale: Float
    package let groups: Groups?
    /// Added to the scores for the choice alone, [E]; the weights come from scores without it. Empty if there is none.
    package let choiceBias: [Float]

    package init(
        experts: Int, topK: Int, score: Score, renormalises: Bool = false, scale: Float = 1, groups: Groups? = nil,
        choiceBias: [Float] = []
    ) throws(LayerGateError) {
        expertCount = experts
        self.topK = topK
        self.score = score
        self.renormalises = renormalises
        self.scale = scale
        self.groups = groups
        self.choiceBias = choiceBias
        try validate()
    }

    /// Most experts that a layer may have.
    package static let expertsMax = 4096

    private func validate() throws(LayerGateError) {
        try check(
            (1...Self.expertsMax).contains(expertCount), "experts", "is \(expertCount); use 1 to \(Self.expertsMax)")
        try check((1...expertCount).contains(topK), "topK", "is \(topK); use 1 to \(expertCount)")
        try check(scale.isFinite && scale > 0, "scale", "is \(scale); use a finite number above 0")
        try check(
            choiceBias.isEmpty || choiceBias.count == expertCount, "choice bias",
            "has \(choiceBias.count) elements for \(expertCount) experts")
        try check(choiceBias.allSatisfy(\.isFinite), "choice bias", "has an element that is not finite")
        if let groups { try validate(groups) }
    }

    private func validate(_ groups: Groups) throws(LayerGateError) {
        try check(
            groups.count > 0 && expertCount % groups.count == 0, "groups",
            "is \(groups.count); use a divisor of the \(expertCount) experts")
        try check(
            (1...groups.count).contains(groups.kept), "kept groups", "is \(groups.kept); use 1 to \(groups.count)")
        let width = expertCount / groups.count
        try check(
            topK <= groups.kept * width, "topK", "is \(topK); the kept groups hold \(groups.kept * width) experts")
        try check(groups.score == .max || width >= 2, "groups", "of one expert have no top two; use fewer groups")
    }

    private func check(_ holds: Bool, _ field: String, _ problem: @autoclosure () -> String) throws(LayerGateError) {
        if !holds { throw LayerGateError(field: field, problem: problem()) }
    }
}

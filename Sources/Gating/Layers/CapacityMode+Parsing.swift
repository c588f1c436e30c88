extension CapacityMode: CustomStringConvertible {
    /// `dropless`, `colossal:1.25`, `flaxformer:2`: what `init(parsing:)` reads.
    package var description: String {
        switch self {
        case .dropless: "dropless"
        case .colossal(let factor, _): "colossal:\(factor)"
        case .flaxformer(let factor, _): "flaxformer:\(factor)"
        }
    }

    /// Throws for another word, and for a factor that would leave no slot, such as 0.
    package init(parsing text: String) throws(LayerGateError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        switch (parts[0], parts.count == 2 ? Double(parts[1]) : nil) {
        case ("dropless", nil) where parts.count == 1: self = .dropless
        case ("colossal", let factor?): self = .colossal(factor: factor)
        case ("flaxformer", let factor?): self = .flaxformer(factor: factor)
        default:
            throw LayerGateError(
                field: "capacity",
                problem:
                    "is '\(text)'; use dropless, colossal:FACTOR or flaxformer:FACTOR, such as colossal:1.25")
        }
        // The factor is checked where it is used; here so that it is said before anything is loaded.
        _ = try slots(tokens: 1, experts: 1, topK: 1)
    }
}

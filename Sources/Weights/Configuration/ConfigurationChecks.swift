/// Checks that both sources of a configuration share; `name` says how the source calls the field.
struct ConfigurationChecks {
    let file: String

    func size(_ value: Int?, _ name: String, max: Int) throws(WeightsError) -> Int {
        guard let value else { throw WeightsError(.missing, file: file, field: name, "is required") }
        guard (1...max).contains(value) else {
            throw WeightsError(.overLimit, file: file, field: name, "\(value) is not in 1...\(max)")
        }
        return value
    }

    func positive(_ value: Double, _ name: String, max: Double = 1e12) throws(WeightsError) -> Double {
        guard value > 0, value <= max else {
            throw WeightsError(.malformed, file: file, field: name, "\(value) is not above 0 and at most \(max)")
        }
        return value
    }

    func heads(_ heads: Int, _ keyValueHeads: Int, _ name: String) throws(WeightsError) {
        guard heads % keyValueHeads == 0 else {
            throw WeightsError(
                .inconsistent, file: file, field: name, "\(keyValueHeads) does not divide the \(heads) attention heads")
        }
    }

    /// An explicit head width, or an equal share of the hidden size.
    func headDimension(_ explicit: Int?, hidden: Int, heads: Int, _ name: String) throws(WeightsError) -> Int {
        guard explicit != nil || hidden % heads == 0 else {
            throw WeightsError(
                .inconsistent, file: file, field: name, "\(heads) heads do not divide a width of \(hidden)")
        }
        let dimension = try size(explicit ?? hidden / heads, name, max: Limits.headDimensionMax)
        guard dimension % 2 == 0 else {
            throw WeightsError(
                .unsupported, file: file, field: name, "\(dimension) is odd; rotary embedding needs pairs")
        }
        return dimension
    }

    func tokens(_ values: [Int], _ name: String, vocabulary: Int) throws(WeightsError) {
        for value in values where value < 0 || value >= vocabulary {
            throw WeightsError(
                .inconsistent, file: file, field: name, "\(value) is outside a vocabulary of \(vocabulary)")
        }
    }

    func refuse(_ name: String, _ what: String) -> WeightsError {
        WeightsError(.unsupported, file: file, field: name, "\(what) is not supported")
    }
}

import PortableMath

enum Softmax {
    /// e^(x_i - max) / sum, added in ascending i.
    static func of(_ x: [Double]) -> [Double] {
        guard let top = x.max() else { return [] }
        let powers = x.map { Elementary.exponential($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}

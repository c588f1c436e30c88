import Kernels
import Weights

extension LowRankPair {
    /// Packed for the kernels, in the stored format.
    ///
    /// - Parameter expert: whose pair it is, for messages.
    package func packed(of expert: String) throws(ExpertSetError) -> PackedPair {
        guard let downShape = StoredShape(down), let upShape = StoredShape(up) else {
            throw ExpertSetError(
                "expert \(expert), \(site): elements of \(down.type.name) and \(up.type.name); convert it to F16, BF16 "
                    + "or F32")
        }
        do throws(PackingError) {
            return try down.withAllRows { a throws(PackingError) in
                try up.withAllRows { b throws(PackingError) in
                    try PackedPair(scale: scale, down: downShape, downBytes: a, up: upShape, upBytes: b)
                }
            }
        } catch { throw ExpertSetError("expert \(expert), \(site): \(error)") }
    }
}

extension StoredShape {
    /// nil for elements that pairs cannot have.
    fileprivate init?(_ tensor: TensorView) {
        guard let format = ElementFormat(rawValue: tensor.type.name) else { return nil }
        self.init(format, rows: tensor.rows, columns: tensor.columns)
    }
}

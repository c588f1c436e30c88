import Kernels
import Weights

/// Why a checkpoint could not become a model.
package enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    case weights(WeightsError)
    /// The tensor and why it cannot be packed.
    case packing(tensor: String, PackingError)
    /// What the checkpoint asks for and this engine does not do.
    case unsupported(String)

    package var description: String {
        switch self {
        case .weights(let error): error.description
        case .packing(let tensor, let error): "\(tensor): \(error)"
        case .unsupported(let what): what
        }
    }
}

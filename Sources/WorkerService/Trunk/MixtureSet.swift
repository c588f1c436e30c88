import Digest
import Inference
import Kernels
import Messaging
import Topology
import Weights

/// The experts of a model's mixture layers as its trunk knows them: which are elsewhere, and the hash that who computes them must have.
final class MixtureSet: DistributedSet, Sendable {
    /// Ascending by (layer, expert): index = place of the layer among the mixture layers · E + expert.
    let experts: [ExpertSet.Member]
    let cells: [MixtureCell]
    /// By transformer layer: its place among the mixture layers, which the wire calls its group.
    let places: [Int: Int]
    let expertCount: Int
    let hidden: Int
    /// What must be equal besides the experts' bytes.
    let contract: MixtureContract
    let onMissing: Topology.OnMissing

    /// - Parameter hashes: of the experts of the trunk's own file, by cell, ascending.
    init(
        _ checkpoint: Checkpoint, _ mixture: MixtureConfiguration, _ entry: MixtureEntry, model: String,
        contract: MixtureContract, hashes: [SHA256Digest]
    ) {
        let cells = mixture.cells
        precondition(hashes.count == cells.count, "\(hashes.count) hashes for \(cells.count) experts")
        self.cells = cells
        experts = zip(cells, hashes).map {
            ExpertSet.Member(name: MixtureNames.wire($0, of: model), hash: $1.hex, isResident: false)
        }
        places = Dictionary(uniqueKeysWithValues: mixture.layers.enumerated().map { ($1, $0) })
        expertCount = mixture.expertCount
        hidden = checkpoint.configuration.hiddenSize
        self.contract = contract
        onMissing = entry.onMissing
    }

    func id(_ expert: Int, ofLayer layer: Int) -> Int {
        guard let place = places[layer] else { preconditionFailure("layer \(layer) has no experts") }
        return place * expertCount + expert
    }

    /// One group per mixture layer: rows in, rows out.
    var groups: [SiteGroupShape] {
        places.keys.sorted().map {
            SiteGroupShape(
                sites: [MixtureCell.site(ofLayer: $0)], outputs: [UInt32(hidden)], inputs: UInt32(hidden))
        }
    }
}

extension MixtureConfiguration {
    /// All experts of all mixture layers, ascending.
    var cells: [MixtureCell] {
        layers.flatMap { layer in (0..<expertCount).map { MixtureCell(layer: layer, expert: $0) } }
    }
}

/// What a trunk and a worker must have in common besides an expert's bytes, to compute the same function.
struct MixtureContract: Sendable, Equatable {
    /// Of hidden size, width and activation: what the wire gives where low-rank experts give their trunk's hash.
    let shape: SHA256Digest
    /// Version and mode of the arithmetic.
    let numerics: String

    init(_ configuration: ModelConfiguration, _ mixture: MixtureConfiguration, _ mode: Inference.ComputeMode) {
        shape = SHA256Digest(
            of: Array(
                "feed-forward \(configuration.hiddenSize) \(mixture.expertWidth) \(configuration.activation)".utf8))
        numerics = MixtureNumerics.id(mode)
    }
}

/// The version of the arithmetic of experts' feed-forwards: two sides that name the same give the same bits.
enum MixtureNumerics {
    static func id(_ mode: Inference.ComputeMode) -> String { "experts-2+\(mode.numericsID)" }
}

/// What the wire calls an expert of a mixture layer. No name of a low-rank expert has a `/`.
package enum MixtureNames {
    package static func wire(_ cell: MixtureCell, of model: String) -> String {
        "\(model)/\(cell.layer).\(cell.expert)"
    }
}

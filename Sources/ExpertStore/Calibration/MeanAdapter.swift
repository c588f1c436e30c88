import Digest
import Foundation
import LinearAlgebra
import Weights

/// The common expert: per site the mean of a set's products s_z B_z A_z, truncated to one low rank. An expert without a pair at a site
/// adds nothing to the mean there, as it adds nothing to a token.
package struct MeanAdapter: Sendable {
    package static let folderName = "_common"

    package let adapter: ImportedAdapter
    /// Σ_kept σ² / Σ σ² over all sites.
    package let energyKept: Double

    /// - Parameter progress: called with the share of sites done.
    package init(
        of adapters: [AdapterFolder], rank: Int, progress: (Double) -> Void = { _ in }
    ) throws(ExpertStoreError) {
        let sites = Set(adapters.flatMap(\.sites)).sorted()
        var pairs: [ImportedAdapter.Pair] = []
        var (kept, whole) = (0.0, 0.0)
        for (index, site) in sites.enumerated() {
            let mean = try Self.mean(at: site, of: adapters, rank: rank)
            pairs.append(mean.pair)
            kept += mean.kept
            whole += mean.whole
            progress(Double(index + 1) / Double(sites.count))
        }
        energyKept = whole > 0 ? kept / whole : 1
        adapter = try readingWeights { () throws(WeightsError) in try ImportedAdapter(computed: pairs, asHalves: true) }
    }

    private static func mean(
        at site: String, of adapters: [AdapterFolder], rank: Int
    ) throws(ExpertStoreError) -> (pair: ImportedAdapter.Pair, kept: Double, whole: Double) {
        let found = adapters.compactMap { $0.pair(at: site) }
        let share = Float(found.count) / Float(adapters.count)
        let products = found.map { pair in
            LowRankProduct(
                b: Matrix(rows: pair.outputs, columns: pair.rank, elements: pair.up.floats()),
                a: Matrix(rows: pair.rank, columns: pair.inputs, elements: pair.down.floats()),
                scale: pair.scale * share)
        }
        do throws(LinearAlgebraError) {
            let mean = try LowRank.truncatedMean(of: products, rank: rank)
            let squares = mean.singularValues.map { Double($0) * Double($0) }
            // Scale 1: alpha is the rank.
            let pair = ImportedAdapter.Pair(
                site: site, rank: mean.a.rows, alpha: Double(mean.a.rows), inputs: mean.a.columns,
                outputs: mean.b.rows, down: mean.a.elements, up: mean.b.elements)
            return (pair, squares.prefix(mean.a.rows).reduce(0, +), squares.reduce(0, +))
        } catch {
            throw ExpertStoreError(.malformed, file: adapters[0].path, field: site, error.description)
        }
    }

    /// Writes `_common/` in a trunk's folder and returns the weight file's hash.
    package func write(to trunkFolder: String, trunkName: String) throws(ExpertStoreError) -> SHA256Digest {
        let folder = "\(trunkFolder)/\(Self.folderName)"
        try PEFTFolder.write(adapter, trunkName: trunkName, to: folder)
        return try StoredExpert.digest("\(folder)/\(AdapterFolder.weightsFile)")
    }
}

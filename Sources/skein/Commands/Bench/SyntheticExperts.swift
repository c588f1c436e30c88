import ExpertStore
import Foundation
import Gating
import Inference
import Weights

/// Any number of experts to route over: those of a folder again and again, with random vectors in the place of gates.
struct SyntheticExperts {
    let set: ExpertSet

    init(count: Int, of store: String, _ model: LoadedModel) throws {
        let adapters = try Self.adapters(in: store)
        let sources = (0..<count).map { index in
            let adapter = adapters[index % adapters.count]
            var source = ExpertSource(name: "expert\(1000 + index)", hash: "synthetic \(index)", adapter: adapter)
            source.meanActivations = Self.vectors(for: adapter, seed: UInt64(index))
            return source
        }
        set = try ExpertSet.load(sources, for: model.weights, calibration: .none, team: model.team)
    }

    static func adapters(in store: String) throws -> [AdapterFolder] {
        try FileManager.default.contentsOfDirectory(atPath: store).sorted().map { "\(store)/\($0)" }.filter {
            FileManager.default.fileExists(atPath: "\($0)/\(ExpertManifest.fileName)")
        }.map { try StoredExpert(folder: $0).adapter() }
    }

    /// By site, [inputs], even between -1 and 1.
    private static func vectors(for adapter: AdapterFolder, seed: UInt64) -> [String: [Float]] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return Dictionary(
            adapter.pairs.sorted { $0.site < $1.site }.map { pair in
                (
                    pair.site,
                    (0..<pair.inputs).map { _ in
                        // Knuth's MMIX generator.
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
                    }
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}

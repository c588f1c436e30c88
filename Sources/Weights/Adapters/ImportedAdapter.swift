/// An adapter read from a format that is not PEFT's, as floats in PEFT's orientation and Hugging Face's row order; what an
/// import writes down as a PEFT folder.
package struct ImportedAdapter: Sendable {
    package struct Pair: Sendable, Equatable {
        package let site: String
        package let rank: Int
        /// Of the delta s · B A with s = alpha / rank.
        package let alpha: Double
        package let inputs: Int
        package let outputs: Int
        /// A, [rank, inputs].
        package let down: [Float]
        /// B, [outputs, rank].
        package let up: [Float]

        package init(
            site: String, rank: Int, alpha: Double, inputs: Int, outputs: Int, down: [Float], up: [Float]
        ) {
            precondition(down.count == rank * inputs && up.count == outputs * rank)
            self.site = site
            self.rank = rank
            self.alpha = alpha
            self.inputs = inputs
            self.outputs = outputs
            self.down = down
            self.up = up
        }
    }

    /// Sorted by site, never empty.
    package let pairs: [Pair]
    /// A gate vector per site, [inputs]; empty where the source has none.
    package let gates: [String: [Float]]
    /// Whether every number of the source was a half, so that halves lose nothing.
    package let isHalf: Bool

    init(pairs: [Pair], gates: [String: [Float]], isHalf: Bool, file: String) throws(WeightsError) {
        guard (1...Limits.adapterSitesMax).contains(pairs.count) else {
            throw WeightsError(
                .missing, file: file, field: "tensors",
                "\(pairs.count) pairs of a known form, expected 1 to \(Limits.adapterSitesMax)")
        }
        for pair in pairs where !gates.isEmpty && gates[pair.site]?.count != pair.inputs {
            throw WeightsError(
                .inconsistent, file: file, field: pair.site,
                "a gate of \(gates[pair.site]?.count ?? 0) numbers for an input of \(pair.inputs)")
        }
        if let stray = gates.keys.sorted().first(where: { site in !pairs.contains { $0.site == site } }) {
            throw WeightsError(.inconsistent, file: file, field: stray, "a gate without a pair")
        }
        self.pairs = pairs.sorted { $0.site < $1.site }
        self.gates = gates
        self.isHalf = isHalf
    }

    /// Computed here instead of read, without gates.
    ///
    /// - Parameter asHalves: whether it is written down in halves, each number rounded to the nearest.
    package init(computed pairs: [Pair], asHalves: Bool) throws(WeightsError) {
        try self.init(pairs: pairs, gates: [:], isHalf: asHalves, file: "computed adapter")
    }
}

extension ImportedAdapter {
    /// `adapter_model.safetensors`.
    package func weightsFile() -> [UInt8] {
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for pair in pairs {
            writer.add(
                PEFTNames.tensor(pair.site, PEFTNames.down), shape: [pair.rank, pair.inputs], pair.down,
                asHalves: isHalf)
            writer.add(
                PEFTNames.tensor(pair.site, PEFTNames.up), shape: [pair.outputs, pair.rank], pair.up, asHalves: isHalf)
        }
        return writer.bytes()
    }

    /// `phatgoose_gates.safetensors`; nil without gates.
    package func gatesFile() -> [UInt8]? {
        guard !gates.isEmpty else { return nil }
        var writer = SafetensorsWriter()
        for (site, gate) in gates { writer.add(SiteVectors.Kind.gate.tensorName(site), shape: [gate.count], gate) }
        return writer.bytes()
    }

    /// Ranks and alphas for `adapter_config.json`: the first pair's, and what differs from it by site.
    package var settings: (rank: Int, alpha: Double, ranks: [String: Int], alphas: [String: Double]) {
        let (rank, alpha) = (pairs[0].rank, pairs[0].alpha)
        let ranks = pairs.filter { $0.rank != rank }.map { ($0.site, $0.rank) }
        let alphas = pairs.filter { $0.alpha != alpha }.map { ($0.site, $0.alpha) }
        return (rank, alpha, Dictionary(uniqueKeysWithValues: ranks), Dictionary(uniqueKeysWithValues: alphas))
    }
}

extension TensorView {
    /// The transpose of a matrix, as floats.
    func transposedFloats() -> [Float] {
        let values = floats()
        var result = [Float](repeating: 0, count: values.count)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
        }
        return result
    }
}

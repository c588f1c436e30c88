/// One f32 vector per site, as wide as the site's input: gates, prototypes or average activations, in a safetensors file
/// beside the adapter and with exactly the adapter's sites and widths.
package struct SiteVectors: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// v of PHATGOOSE, raw (arXiv 2402.05859).
        case gate
        /// The unit top right singular vector of B A (Arrow, arXiv 2405.11157); its sign means nothing.
        case arrow
        /// The mean input of the site with the expert active.
        case average

        /// The file in the adapter's folder.
        package var fileName: String {
            switch self {
            case .gate: "phatgoose_gates.safetensors"
            case .arrow: "arrow_prototypes.safetensors"
            case .average: "average_activations.safetensors"
            }
        }

        var ending: String {
            switch self {
            case .gate: PEFTNames.gate
            case .arrow: PEFTNames.arrow
            case .average: PEFTNames.average
            }
        }

        /// The tensor's name for a site.
        package func tensorName(_ site: String) -> String { PEFTNames.tensor(site, ending) }
    }

    /// The key of `__metadata__` for the SHA-256 of the adapter that the vectors were computed from.
    package static let hashKey = "adapter_sha256"

    package let kind: Kind
    /// The path as it was opened.
    package let file: String
    /// The adapter's SHA-256 according to the file itself, in hexadecimal digits.
    package let adapterHash: String?
    private let vectors: [String: TensorView]

    /// The vector of a site, [inputs] of F32.
    package func vector(at site: String) -> TensorView? { vectors[site] }

    package func checkFinite() throws(WeightsError) {
        for (_, vector) in vectors.sorted(by: { $0.key < $1.key }) { try vector.checkFinite(file: file) }
    }

    init(_ kind: Kind, path: String, _ pairs: [LowRankPair]) throws(WeightsError) {
        let source = try SafetensorsFile(path: path)
        if let unread = source.unreadNames.first { _ = try source.tensor(unread) }
        var vectors: [String: TensorView] = [:]
        for pair in pairs { vectors[pair.site] = try Self.vector(kind, for: pair, in: source) }
        for name in source.tensorNames where PEFTNames.site(of: name, kind.ending).flatMap({ vectors[$0] }) == nil {
            throw WeightsError(
                .inconsistent, file: path, field: name,
                "the adapter has no pair for it; this file belongs to another one")
        }
        self.kind = kind
        file = path
        adapterHash = source.metadata[Self.hashKey]
        self.vectors = vectors
    }

    private static func vector(
        _ kind: Kind, for pair: LowRankPair, in source: SafetensorsFile
    ) throws(WeightsError) -> TensorView {
        let name = kind.tensorName(pair.site)
        guard source.contains(name) else {
            throw WeightsError(
                .missing, file: source.path, field: name, "the adapter has a pair at this site and needs a vector there"
            )
        }
        let vector = try source.tensor(name)
        guard vector.shape == [pair.inputs] else {
            throw WeightsError(
                .inconsistent, file: source.path, field: "\(name).shape",
                "is \(vector.shape), the site's input makes it [\(pair.inputs)]")
        }
        guard vector.type == .float32 else {
            throw WeightsError(
                .unsupported, file: source.path, field: "\(name).dtype", "\(vector.type.name); the vectors are F32")
        }
        return vector
    }
}

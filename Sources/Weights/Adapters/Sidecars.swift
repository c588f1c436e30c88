import Digest

/// The files for routing beside an adapter. Each may be absent; one that is there must fit the adapter exactly.
struct Sidecars {
    let gates: SiteVectors?
    let gateConfiguration: GateConfiguration?
    let prototypes: SiteVectors?
    let averages: SiteVectors?

    init(folder: String, _ pairs: [LowRankPair]) throws(WeightsError) {
        func vectors(_ kind: SiteVectors.Kind) throws(WeightsError) -> SiteVectors? {
            let path = "\(folder)/\(kind.fileName)"
            return PathName.exists(path) ? try SiteVectors(kind, path: path, pairs) : nil
        }
        let configuration = "\(folder)/\(GateConfiguration.fileName)"
        gates = try vectors(.gate)
        gateConfiguration = PathName.exists(configuration) ? try GateConfiguration(path: configuration) : nil
        guard (gates == nil) == (gateConfiguration == nil) else {
            let (absent, present) =
                gates == nil
                ? (SiteVectors.Kind.gate.fileName, GateConfiguration.fileName)
                : (GateConfiguration.fileName, SiteVectors.Kind.gate.fileName)
            throw WeightsError(
                .missing, file: "\(folder)/\(absent)", field: "file",
                "\(present) is there without it; bring both or neither")
        }
        prototypes = try vectors(.arrow)
        averages = try vectors(.average)
    }

    /// Hashes the weight file once, if any sidecar names a hash, and compares.
    func checkHashes(ofWeights path: String) throws(WeightsError) {
        var claims: [(file: String, field: String, hash: String)] = []
        if let gates, let gateConfiguration {
            let file = String(gates.file.dropLast(SiteVectors.Kind.gate.fileName.count)) + GateConfiguration.fileName
            claims.append((file, "adapter_sha256", gateConfiguration.adapterHash.hex))
        }
        for vectors in [gates, prototypes, averages] {
            if let vectors, let hash = vectors.adapterHash {
                claims.append((vectors.file, "__metadata__.\(SiteVectors.hashKey)", hash))
            }
        }
        guard !claims.isEmpty else { return }
        let actual = try Self.digest(path)
        for claim in claims where SHA256Digest(hex: claim.hash) != actual {
            throw WeightsError(
                .inconsistent, file: claim.file, field: claim.field,
                "\(claim.hash), but \(AdapterFolder.weightsFile) has \(actual); these vectors belong to another adapter"
            )
        }
    }

    private static func digest(_ path: String) throws(WeightsError) -> SHA256Digest {
        do { return try SHA256Digest(ofFileAt: path) } catch {
            throw WeightsError(.unreadable, file: path, field: error.what, error.detail)
        }
    }
}

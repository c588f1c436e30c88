import Digest

/// A LoRA adapter as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors`, and beside them the sidecars of
/// routing. Opening reads the headers and checks every name and shape; matrices stay memory-mapped.
package struct AdapterFolder: Sendable {
    package static let configurationFile = "adapter_config.json"
    package static let weightsFile = "adapter_model.safetensors"

    /// As given to `open`.
    package let path: String
    package let configuration: AdapterConfiguration
    /// Sorted by site, one per site, never empty.
    package let pairs: [LowRankPair]
    /// The gates of PHATGOOSE; nil where the folder has none.
    package let gates: SiteVectors?
    /// The settings of the gates' training; there exactly if `gates` is.
    package let gateConfiguration: GateConfiguration?
    /// Unit top right singular vectors of B A, for Arrow; nil where the folder has none.
    package let prototypes: SiteVectors?
    /// Mean input activations; nil where the folder has none.
    package let averageActivations: SiteVectors?
    /// Of the weight file.
    package let byteCount: Int
    private let indexOfSite: [String: Int]

    package var weightsPath: String { "\(path)/\(Self.weightsFile)" }
    package var sites: [String] { pairs.map(\.site) }

    /// The pair at a site, if the adapter has one there.
    package func pair(at site: String) -> LowRankPair? { indexOfSite[site].map { pairs[$0] } }

    /// Opens the folder at `path`.
    ///
    /// - Parameter hashing: whether the weight file is hashed (about 3 ms per MB) and compared with what the sidecars were
    ///   made from. Switch it off only where the file was verified already.
    package static func open(_ path: String, hashing: Bool = true) throws(WeightsError) -> AdapterFolder {
        let configuration = try AdapterConfiguration(path: "\(path)/\(configurationFile)")
        let file = try SafetensorsFile(path: "\(path)/\(weightsFile)")
        let pairs = try LowRankPair.all(in: file, configuration)
        let sidecars = try Sidecars(folder: path, pairs)
        if hashing { try sidecars.checkHashes(ofWeights: file.path) }
        return AdapterFolder(
            path: path, configuration: configuration, pairs: pairs, gates: sidecars.gates,
            gateConfiguration: sidecars.gateConfiguration, prototypes: sidecars.prototypes,
            averageActivations: sidecars.averages, byteCount: file.byteCount,
            indexOfSite: Dictionary(uniqueKeysWithValues: pairs.enumerated().map { ($0.element.site, $0.offset) }))
    }

    /// Refuses NaN and infinity anywhere in matrices, gates and prototypes; reads every byte of them.
    package func checkFinite() throws(WeightsError) {
        for pair in pairs { try pair.checkFinite(file: weightsPath) }
        for vectors in [gates, prototypes, averageActivations] { try vectors?.checkFinite() }
    }

    /// Refuses an adapter whose sites or widths are not those of the trunk, and one that has no pair where its own
    /// configuration promises one.
    package func check(against trunk: ModelConfiguration) throws(WeightsError) {
        let shapes = Dictionary(uniqueKeysWithValues: trunk.linearSites.map { ($0.site, ($0.outputs, $0.inputs)) })
        for pair in pairs {
            guard let (outputs, inputs) = shapes[pair.site] else {
                throw WeightsError(
                    .inconsistent, file: weightsPath, field: pair.site,
                    "the trunk has no such linear layer; the adapter was made for another trunk")
            }
            guard pair.outputs == outputs, pair.inputs == inputs else {
                throw WeightsError(
                    .inconsistent, file: weightsPath, field: pair.site,
                    "maps \(pair.inputs) to \(pair.outputs), the trunk's layer \(inputs) to \(outputs); "
                        + "the adapter was made for another trunk")
            }
        }
        for (site, _, _) in trunk.linearSites where configuration.targets(site) && pair(at: site) == nil {
            throw WeightsError(
                .missing, file: weightsPath, field: PEFTNames.tensor(site, PEFTNames.down),
                "target_modules names this layer of the trunk, but the file has no pair for it")
        }
    }
}

extension LowRankPair {
    /// The pairs of a weight file, sorted by site. Every tensor must be half of a pair that the configuration names.
    fileprivate static func all(
        in file: SafetensorsFile, _ configuration: AdapterConfiguration
    ) throws(WeightsError) -> [LowRankPair] {
        if let unread = file.unreadNames.first { _ = try file.tensor(unread) }
        var sites: [String] = []
        for name in file.tensorNames {
            if let site = PEFTNames.site(of: name, PEFTNames.down) {
                sites.append(site)
            } else if let site = PEFTNames.site(of: name, PEFTNames.up) {
                guard file.contains(PEFTNames.tensor(site, PEFTNames.down)) else {
                    throw WeightsError(
                        .missing, file: file.path, field: PEFTNames.tensor(site, PEFTNames.down),
                        "\(name) has no partner")
                }
            } else {
                throw WeightsError(.unsupported, file: file.path, field: name, PEFTNames.explanation(of: name))
            }
        }
        guard (1...Limits.adapterSitesMax).contains(sites.count) else {
            throw WeightsError(
                .overLimit, file: file.path, field: "header",
                "\(sites.count) pairs, expected 1 to \(Limits.adapterSitesMax)")
        }
        var pairs: [LowRankPair] = []
        for site in sites.sorted() { pairs.append(try LowRankPair(site, in: file, configuration)) }
        return pairs
    }

    private init(
        _ site: String, in file: SafetensorsFile, _ configuration: AdapterConfiguration
    ) throws(WeightsError) {
        let (down, up) = (PEFTNames.tensor(site, PEFTNames.down), PEFTNames.tensor(site, PEFTNames.up))
        guard configuration.targets(site) else {
            throw WeightsError(
                .inconsistent, file: file.path, field: down,
                "\(AdapterFolder.configurationFile) does not target this module (target_modules, exclude_modules, "
                    + "layers_to_transform)")
        }
        guard file.contains(up) else {
            throw WeightsError(.missing, file: file.path, field: up, "\(down) has no partner")
        }
        try self.init(
            site: site, scale: try configuration.scale(at: site), down: try file.tensor(down), up: try file.tensor(up),
            rank: try configuration.rank(at: site), file: file.path)
    }
}

extension ModelConfiguration {
    /// The linear layers that an expert can sit at, in the order a token meets them: q, k, v, o, gate, up, down of each
    /// layer. Neither embedding nor output head.
    package var linearSites: [(site: String, outputs: Int, inputs: Int)] {
        requiredTensors.compactMap { name, shape in
            guard name.hasSuffix("_proj.weight"), shape.count == 2 else { return nil }
            return (String(name.dropLast(".weight".count)), shape[0], shape[1])
        }
    }
}

import Deciding
import Digest
import ExpertStore
import Foundation
import Gating
import Inference
import Kernels
import Tokenization
import Topology
import Weights

/// A topology's master in this process, read query by query.
struct MasterTrial {
    let master: NodeEntry
    let settings: MasterSettings
    let folder: MasterFolder
    let model: LoadedModel
    let modelFile: String
    /// By token of the folder: the node that the master hands to, else the token without its brackets.
    let names: [String]
    /// By token: the node, where the topology binds it.
    let nodes: [NodeEntry?]
    private let reader: MasterReader
    private let bare: MasterReader

    struct Read {
        let reading: MasterReading
        let ids: [Int32]
    }

    /// - Parameter name: of the master, where the topology has several.
    init(topology path: String, master name: String?, threads: Int?) throws {
        let topology = try ClusterTopology(contentsOf: path)
        let (master, settings) = try Self.master(topology, name, path: path)
        guard let entry = topology.models.first(where: { $0.name == settings.model }) else {
            throw CommandFailure.usage("\(path): no model \(settings.model)")
        }
        self.master = master
        self.settings = settings
        modelFile = entry.file
        let checkpoint = try Checkpoint.open(entry.file)
        folder = try MasterFolder.open(settings.folder, for: checkpoint.configuration)
        try Self.check(folder, trunk: try ExpertStore.hash(of: checkpoint))
        model = try LoadedModel.load(entry.file, mode: entry.compute == .exact ? .exact : .fast, threads: threads)
        let bound = Self.bound(topology, master, folder)
        nodes = bound
        names = zip(folder.tokens, bound).map { token, node in
            node?.name ?? token.text.trimmingCharacters(in: CharacterSet(charactersIn: "<>"))
        }
        let extended = model.weights.appending(try FunctionalRows(folder))
        reader = MasterReader(extended, adapter: try Self.adapter(folder, model), team: model.team)
        bare = MasterReader(model.weights, adapter: nil, team: model.team)
    }

    private static func check(_ folder: MasterFolder, trunk: SHA256Digest) throws {
        guard folder.trunkSHA256 == trunk.hex else {
            throw CommandFailure.refused(
                "\(folder.path): was trained beside a weight file with SHA-256 \(folder.trunkSHA256.prefix(12))…, this "
                    + "one has \(trunk.hex.prefix(12))…; use that file, or train a master for this one")
        }
    }

    private static func master(
        _ topology: ClusterTopology, _ name: String?, path: String
    ) throws -> (NodeEntry, MasterSettings) {
        let masters = topology.nodes.compactMap { node -> (NodeEntry, MasterSettings)? in
            guard case .master(let settings) = node.kind else { return nil }
            return (node, settings)
        }
        let found = name.map { name in masters.filter { $0.0.name == name } } ?? masters
        guard found.count == 1, let one = found.first else {
            let names = masters.map(\.0.name).joined(separator: ", ")
            throw CommandFailure.usage(
                masters.isEmpty
                    ? "\(path): no node of kind master in it; see Documentation/Graph.md"
                    : "\(path): the masters are \(names); name one with --master")
        }
        return one
    }

    private static func bound(
        _ topology: ClusterTopology, _ master: NodeEntry, _ folder: MasterFolder
    ) -> [NodeEntry?] {
        let targets = topology.edges(from: master.name).filter { $0.kind == .hand }.compactMap { edge in
            topology.nodes.first { $0.name == edge.to }
        }
        return folder.tokens.map { token in targets.first { $0.functionalToken == token.text } }
    }

    private static func adapter(
        _ folder: MasterFolder, _ model: LoadedModel
    ) throws -> (bank: RoutedExpertBank, route: RouteRequest)? {
        guard let adapter = folder.adapter else { return nil }
        let source = ExpertSource(name: "master", hash: folder.trunkSHA256, adapter: adapter)
        let set = try ExpertSet.load([source], for: model.weights, team: model.team)
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        return (bank, RouteRequest(RouteOptions(method: .single("master"))))
    }

    /// The class of a labelled query.
    func label(_ query: QuerySet.Query, in set: QuerySet) throws -> Int {
        if let index = names.firstIndex(of: query.node) { return index }
        throw CommandFailure.usage(
            "\(set.path), line \(query.line): no node \(query.node); the master knows \(names.joined(separator: ", "))")
    }

    /// A query as the master was trained to read it; functional tokens in its text are text.
    func prompt(_ text: String) throws -> [Int32] {
        try model.text.encode(MasterPrompt.messages(for: text))
    }

    func read(_ text: String) throws -> Read {
        let ids = try prompt(text)
        let row = try reader.read(ids)
        let first = model.weights.vocabularySize
        do throws(MasterReading.Failure) {
            return Read(
                reading: try MasterReading(row: row, functionalTokens: Array(first..<first + folder.tokens.count)),
                ids: ids)
        } catch { throw CommandFailure.failed("\(folder.path): the logits after \"\(text.prefix(60))\": \(error)") }
    }

    /// The same ids through the trunk alone, for its time.
    func prefillBare(_ ids: [Int32]) throws { _ = try bare.read(ids) }

    /// What the topology makes of a reading, with every bound node up and allowed.
    func rules(temperature: Double) throws -> DecisionRules {
        guard let general = nodes.firstIndex(where: { $0?.name == settings.general }) else {
            throw CommandFailure.usage(
                "\(folder.path): no token of it names the general node \(settings.general); bind one with token:")
        }
        let kinds = nodes.map { node -> DecisionRules.Kind in
            guard let node else { return .answer(threshold: 0) }
            return node.isRefusal
                ? .refusal(threshold: Double(node.threshold)) : .answer(threshold: Double(node.threshold))
        }
        var rules = DecisionRules(kinds: kinds, general: general)
        rules.temperature = temperature
        rules.massMin = Double(settings.massMin)
        rules.inPlay = nodes.map { $0 != nil }
        return rules
    }
}

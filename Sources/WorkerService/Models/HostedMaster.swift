import Digest
import Gating
import Inference
import Kernels
import Tokenization
import Topology
import Weights

/// What makes a hosted model a master: its functional tokens, its adapter, and what its rewrites are made of.
struct HostedMaster: Sendable {
    /// In the order of their ids, the vocabulary's last.
    let tokens: [String]
    let temperature: Float
    /// The adapter alone; nil where only rows were trained.
    let set: ExpertSet?
    /// The bytes of each token of the trunk's vocabulary; none for special ones.
    let pieces: [[UInt8]]

    /// The adapter's name in its set of one.
    static let expert = "master"

    /// Where the adapter is, every token goes through it.
    var route: Gating.RouteOptions { Gating.RouteOptions(method: .single(Self.expert)) }
}

extension HostedModel {
    /// The model of a node with functional tokens, a master as a rule, beside its trunk, whose weights it shares.
    static func master(
        _ node: NodeEntry, _ path: String, beside trunk: HostedModel, file: String, team: ComputeTeam
    ) throws(WorkerFault) -> HostedModel {
        func fault(_ message: String) -> WorkerFault {
            WorkerFault("\(node.kind.word.rawValue) \(node.name): \(message)")
        }
        let folder: MasterFolder
        do { folder = try MasterFolder.open(path, for: trunk.model.configuration) } catch {
            throw fault(error.description)
        }
        guard folder.trunkSHA256 == trunk.sha256.hex else {
            throw fault(
                "\(path) was trained beside a weight file with SHA-256 \(folder.trunkSHA256), and \(trunk.name) has "
                    + "\(trunk.sha256.hex); train it again, or correct the topology")
        }
        let rows: FunctionalRows
        let set: ExpertSet?
        let pieces: [[UInt8]]
        let sha256: SHA256Digest
        do {
            rows = try FunctionalRows(folder)
            sha256 = try digest(of: folder, trunk: trunk.sha256)
            set = try folder.adapter.map { adapter in
                try ExpertSet.load(
                    [ExpertSource(name: HostedMaster.expert, hash: sha256.hex, adapter: adapter)],
                    for: trunk.model, team: team)
            }
            let tokenizer = try Tokenizer(path: file)
            pieces = (0..<Int32(tokenizer.count)).map { tokenizer.isSpecial($0) ? [] : tokenizer.piece($0) }
        } catch { throw fault("\(error)") }
        return HostedModel(
            name: node.masterHolding, model: trunk.model.appending(rows), sha256: sha256,
            contextTokens: trunk.contextTokens, capacity: trunk.capacity, experts: nil,
            master: HostedMaster(
                tokens: folder.tokens.map(\.text), temperature: Float(folder.temperature), set: set, pieces: pieces),
            mixture: nil)
    }

    /// Over all that decides what it says: two workers with the same one are interchangeable.
    private static func digest(of folder: MasterFolder, trunk: SHA256Digest) throws -> SHA256Digest {
        var files = [MasterFolder.descriptionFile, MasterFolder.rowsFile]
        if folder.adapter != nil { files += [AdapterFolder.configurationFile, AdapterFolder.weightsFile] }
        let digests = try files.map { try SHA256Digest(ofFileAt: "\(folder.path)/\($0)") }
        return SHA256Digest(of: trunk.bytes + digests.flatMap(\.bytes))
    }
}

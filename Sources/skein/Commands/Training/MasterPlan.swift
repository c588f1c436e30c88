import Digest
import ExpertStore
import Foundation
import Learning
import Tokenization
import Weights

/// The pairs of a master that has no adapter yet; none where the rank is 0.
struct FreshPairs {
    let sites: Set<Site>
    /// nil: all.
    let layers: Set<Int>?
    let rank: Int
    let alpha: Double
}

/// What a master's run has and trains: tokens in the order of their rows, and where their rows and the pairs start.
struct MasterPlan {
    let tokens: [TrainedMaster.Token]
    /// The master that is gone on from.
    let start: MasterFolder?
    let parameterPlan: ParameterPlan
    /// Rows at the front that stay bit for bit.
    let fixedRows: Int
    private let appends: Bool
    private let startFolder: String?
    private let startAdapter: AdapterFolder?
    private let vocabulary: Int

    init(
        _ examples: FunctionalExamples, _ trunk: TrainingTrunk, tokensFile: String?, start folder: String?,
        appends: Bool, fresh: FreshPairs
    ) throws {
        let start = try folder.map { try MasterFolder.open($0, for: trunk.configuration) }
        if let start, start.trunkSHA256 != trunk.hash.hex {
            throw CommandFailure.refused(
                "\(start.path): trained beside the trunk \(start.trunkSHA256.prefix(12))…, this one is \(trunk.hash.hex.prefix(12))…; "
                    + "give the trunk it was trained beside")
        }
        self.start = start
        startFolder = folder
        startAdapter = start?.adapter
        self.appends = appends
        vocabulary = trunk.configuration.vocabularySize
        let known = (start?.tokens ?? []).map { TrainedMaster.Token(token: $0.text, description: $0.description) }
        let wanted = try tokensFile.map { try Self.described($0) } ?? []
        let named = examples.tokens.filter { token in !wanted.contains { $0.token == token } }
        let new = (wanted + named.map { TrainedMaster.Token(token: $0, description: "") }).filter { token in
            !known.contains { $0.token == token.token }
        }
        tokens = known + new
        fixedRows = appends ? known.count : 0
        guard tokens.count <= MasterFolder.tokensMax else {
            throw CommandFailure.usage("\(tokens.count) functional tokens, at most \(MasterFolder.tokensMax)")
        }
        guard !appends || !new.isEmpty else {
            throw CommandFailure.usage(
                "--append: the master has every token of the data already; --refit trains what it has")
        }
        if let taken = tokens.first(where: { trunk.text.tokenizer.addedToken($0.token) != nil }) {
            throw CommandFailure.usage("\(taken.token) is a token of the trunk already; choose another text for it")
        }
        parameterPlan = Self.plan(
            startAdapter, trunk.configuration, folder, rows: tokens.count, appends: appends, fresh)
    }

    private static func plan(
        _ adapter: AdapterFolder?, _ configuration: ModelConfiguration, _ folder: String?, rows: Int, appends: Bool,
        _ fresh: FreshPairs
    ) -> ParameterPlan {
        if let adapter {
            return ParameterPlan(
                adapter, for: configuration, newRows: rows, trained: appends ? [.rows] : [.rows, .pairs])
        }
        // A master without an adapter stays one.
        guard folder == nil, fresh.rank > 0 else { return ParameterPlan(newRows: rows, trained: [.rows]) }
        return ParameterPlan(
            sites: fresh.sites, layers: fresh.layers, rank: fresh.rank, scale: Float(fresh.alpha / Double(fresh.rank)),
            newRows: rows,
            trained: [.rows, .pairs])
    }

    private static func described(_ path: String) throws -> [TrainedMaster.Token] {
        let bytes = try InputFile.bytes(path)
        guard let tokens = try? JSONDecoder().decode([TrainedMaster.Token].self, from: Data(bytes)) else {
            throw CommandFailure.usage("\(path): not a JSON array of {\"token\", \"description\"}")
        }
        guard Set(tokens.map(\.token)).count == tokens.count,
            tokens.allSatisfy({ FunctionalExamples.isToken($0.token) })
        else {
            throw CommandFailure.usage("\(path): a token is there twice, or is not 1 to 64 bytes without white space")
        }
        return tokens
    }

    /// Vocabulary ids: V + row.
    var ids: [String: Int32] {
        Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1.token, Int32(vocabulary + $0)) })
    }

    /// SHA-256 of the files that the run starts from.
    func startHashes() throws -> [String] {
        guard let startFolder else { return [] }
        let files = [MasterFolder.rowsFile, MasterFolder.descriptionFile, AdapterFolder.weightsFile]
        return try files.map { "\(startFolder)/\($0)" }.filter { FileManager.default.fileExists(atPath: $0) }
            .map { try SHA256Digest(ofFileAt: $0).hex }
    }

    /// A new row starts as the mean of the rows that spell its token, so that it is of their size and near its meaning.
    func parameters(_ frozen: FrozenTrunk, _ trunk: TrainingTrunk, seed: UInt64) -> Parameters {
        let parameters = Parameters(parameterPlan, for: trunk.configuration)
        let width = trunk.configuration.hiddenSize
        if let startAdapter { parameters.setPairs(to: startAdapter) } else { parameters.startPairs(seed: seed) }
        let known = start?.tokens.count ?? 0
        if let start {
            let head = trunk.configuration.tiedEmbeddings ? nil : start.head
            parameters.setRows(from: 0, embedding: start.embedding, head: head, width: width)
        }
        for (index, token) in tokens.enumerated().dropFirst(known) {
            let spelled = token.token.trimmingCharacters(in: .punctuationCharacters.union(.symbols))
            let meaning = token.description.isEmpty ? spelled : "\(spelled) \(token.description)"
            let rows = frozen.meanRows(of: trunk.text.tokenizer.encode(meaning.isEmpty ? token.token : meaning))
            parameters.setRows(from: index, embedding: rows.embedding, head: rows.head, width: width)
        }
        return parameters
    }

    /// The adapter of the result.
    func adapter(_ parameters: Parameters, asHalves: Bool) throws -> TrainedMaster.Adapter {
        if parameterPlan.sites.isEmpty { return .none }
        if appends, let startFolder { return .copied(from: startFolder) }
        return .trained(try ImportedAdapter(computed: parameters.adapterPairs, asHalves: asHalves))
    }
}

extension TrainingTrunk {
    /// The token that ends an assistant's turn.
    func endOfTurn(_ path: String) throws -> Int32 {
        let named = ["<|im_end|>", "<|eot_id|>"].lazy.compactMap { text.tokenizer.addedToken($0)?.id }.first
        guard let end = named ?? text.tokenizer.endOfSequence else {
            throw CommandFailure.usage("\(path): its vocabulary has no token that ends a turn")
        }
        return end
    }
}

import Digest
import Gating
import Kernels
import Weights

/// How well a model predicts a text, and the fingerprint of all its logits.
package struct Score: Sendable, Equatable {
    /// -1/(n-1) Σ_{i ≥ 1} ln p(id_i | id_0 … id_(i-1)), nats per predicted token.
    package let meanNLL: Double
    /// Given ids; one fewer is predicted.
    package let tokens: Int
    /// -ln p(id_i | id_0 … id_(i-1)) for i = 1, 2, …; nats.
    package let losses: [Double]
    /// Over the f32 logits of every position, rows in order, little-endian.
    package let logitsSHA256: SHA256Digest
}

/// Why ids cannot be scored.
package enum ScoreError: Error, Sendable, Equatable, CustomStringConvertible {
    case tooFewTokens(Int)
    case tooManyTokens(Int, contextMax: Int)
    case tokenOutOfVocabulary(id: Int32, at: Int, vocabulary: Int)
    case invalidChunk(Int)
    case invalidRoute(RouteRefusal)
    case expert(String)
    case tooLongForCapacity(Int)

    package var description: String {
        switch self {
        case .tooFewTokens(let count): "\(count) tokens predict nothing; give at least 2"
        case .tooManyTokens(let count, let contextMax):
            "\(count) tokens are more than the model's context of \(contextMax); give fewer"
        case .tokenOutOfVocabulary(let id, let at, let vocabulary):
            "token \(id) at index \(at) is outside the vocabulary 0 ..< \(vocabulary)"
        case .invalidChunk(let value): "chunks of \(value) tokens; it must be 1 ... 8192"
        case .invalidRoute(let refusal): refusal.description
        case .expert(let message): message
        case .tooLongForCapacity(let count):
            "\(count) tokens; with a capacity a text is computed whole, at most \(LanguageModel.wholeTokensMax) tokens: give fewer"
        }
    }
}

extension LanguageModel {
    /// Tokens computed at once where nothing else is asked for.
    package static let scoringChunk = 128
    /// Tokens of a text whose experts have a capacity: all its logits are in memory at once.
    package static let wholeTokensMax = 2048
    /// What scored ids are to a bank.
    package static let scoredSequence = SequenceID(number: 0)

    /// Scores ids, chunk by chunk: no more than one chunk's logits are in memory.
    /// - Parameters:
    ///   - chunk: tokens computed at once; no bit of the result depends on it.
    ///   - route: how the tokens find experts of the bank; nil: as the bank's default says. The ids are `scoredSequence` there, and stay
    ///     admitted while `visit` and `progress` run.
    ///   - capacity: of experts, over all ids, which are then one chunk.
    ///   - counted: called at the end with what mixture layers chose and dropped, where there are any.
    ///   - observer: called with what each token gets at each mixture layer.
    ///   - progress: called with the number of ids done.
    ///   - visit: called with every position and its logits, in order.
    package func score(
        _ ids: [Int32], team: ComputeTeam, instructionSet: InstructionSet = .best,
        chunk: Int = scoringChunk,
        bank: (any ExpertBank)? = nil, route: RouteRequest? = nil, capacity: CapacityMode = .dropless,
        observer: MixtureObserver? = nil, counted: (MixtureCounts) -> Void = { _ in },
        progress: (Int) -> Void = { _ in },
        visit: (Int, Span<Float>) -> Void = { _, _ in }
    ) throws(ScoreError) -> Score {
        try check(ids, chunk: chunk)
        let isWhole = capacity != .dropless
        guard !isWhole || ids.count <= Self.wholeTokensMax else { throw .tooLongForCapacity(ids.count) }
        let chunk = isWhole ? ids.count : chunk
        let sequence = Self.scoredSequence
        do throws(RouteRefusal) { try bank?.admit(sequence, route: route) } catch { throw .invalidRoute(error) }
        defer { bank?.end(sequence) }
        let context = ComputeContext(team: team, instructionSet: instructionSet)
        let rows = min(chunk, ids.count)
        let forward = ForwardPass(
            model: self, context: context, rowsMax: rows, wantedMax: rows, positionsMax: ids.count,
            bank: bank,
            capacity: capacity, observer: observer)
        let cache = scoringCache(tokens: ids.count)
        let pages = (0..<cache.pagesMax).compactMap { _ in cache.allocate() }
        let sum = ScoreSum()
        for start in stride(from: 0, to: ids.count, by: chunk) {
            let end = min(start + chunk, ids.count)
            var batch = Batch()
            batch.append(
                sequence, ids[start..<end], start: start, pages: pages, wantsLast: false,
                wholePrompt: isWhole ? ids.count : nil)
            batch.wanted = Array(0..<end - start)
            forward.run(batch, cache: cache)
            if let message = forward.failures.values.first { throw .expert(message) }
            for position in start..<end {
                forward.logits.withRow(position - start) { logits in
                    sum.add(logits, next: position + 1 < ids.count ? ids[position + 1] : nil, context)
                    visit(position, logits)
                }
            }
            progress(end)
        }
        if let counts = forward.mixtureCounts { counted(counts) }
        return sum.score(tokens: ids.count)
    }

    private func check(_ ids: [Int32], chunk: Int) throws(ScoreError) {
        guard ids.count >= 2 else { throw .tooFewTokens(ids.count) }
        guard ids.count <= configuration.contextLength else {
            throw .tooManyTokens(ids.count, contextMax: configuration.contextLength)
        }
        guard (1...8192).contains(chunk) else { throw .invalidChunk(chunk) }
        if let at = ids.firstIndex(where: { $0 < 0 || $0 >= vocabularySize }) {
            throw .tokenOutOfVocabulary(id: ids[at], at: at, vocabulary: vocabularySize)
        }
    }

    private func scoringCache(tokens: Int) -> KeyValuePages {
        let page = KeyValuePages.positionsPerPage
        return KeyValuePages(
            layers: configuration.layerCount, heads: configuration.keyValueHeadCount,
            headDim: configuration.headDimension, pagesMax: (tokens + page - 1) / page)
    }
}

/// What has been scored so far.
final class ScoreSum {
    private var losses: [Double] = []
    private var digest = SHA256()

    var isSound: Bool { losses.allSatisfy(\.isFinite) }

    /// -ln p(next) = ln Σ_j e^(l_j) - l_next.
    func add(_ logits: Span<Float>, next: Int32?, _ context: ComputeContext) {
        // Unsafe only for types with padding; a Float has none.
        digest.update(unsafe logits.bytes)
        guard let next else { return }
        losses.append(context.logSumExp(logits) - Double(logits[Int(next)]))
    }

    func score(tokens: Int) -> Score {
        Score(
            meanNLL: losses.reduce(0, +) / Double(tokens - 1), tokens: tokens, losses: losses,
            logitsSHA256: digest.finalise())
    }
}

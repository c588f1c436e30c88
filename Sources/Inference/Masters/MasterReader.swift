import Kernels
import Weights

/// Reads one query after the other with a master: one prefill, and the row of logits after it.
///
/// For commands in one process; a cluster reads with its workers. Owned by one thread.
package final class MasterReader {
    /// Tokens of one query.
    package static let tokensMax = 8192

    private let model: LanguageModel
    private let bank: RoutedExpertBank?
    private let route: RouteRequest?
    private let forward: ForwardPass
    private let cache: KeyValuePages
    private let pages: [Int32]
    private let chunk: Int

    /// - Parameters:
    ///   - model: with the master's rows appended.
    ///   - adapter: a bank with the master's LoRA, and the route that chooses it; nil reads without.
    ///   - chunk: tokens computed at once; no bit of the result depends on it.
    package init(
        _ model: LanguageModel, adapter: (bank: RoutedExpertBank, route: RouteRequest)?, team: ComputeTeam,
        chunk: Int = LanguageModel.scoringChunk
    ) {
        self.model = model
        self.chunk = chunk
        (bank, route) = (adapter?.bank, adapter?.route)
        let positions = min(Self.tokensMax, model.configuration.contextLength)
        forward = ForwardPass(
            model: model, context: ComputeContext(team: team), rowsMax: chunk, wantedMax: 1, positionsMax: positions,
            bank: bank)
        let page = KeyValuePages.positionsPerPage
        cache = KeyValuePages(
            layers: model.configuration.layerCount, heads: model.configuration.keyValueHeadCount,
            headDim: model.configuration.headDimension, pagesMax: (positions + page - 1) / page)
        pages = (0..<cache.pagesMax).compactMap { [cache] _ in cache.allocate() }
    }

    /// The logits after the ids: the trunk's vocabulary, then the functional tokens.
    package func read(_ ids: [Int32]) throws(ScoreError) -> [Float] {
        let most = min(Self.tokensMax, model.configuration.contextLength)
        guard let last = ids.indices.last else { throw .tooFewTokens(0) }
        guard ids.count <= most else { throw .tooManyTokens(ids.count, contextMax: most) }
        if let at = ids.firstIndex(where: { $0 < 0 || $0 >= model.vocabularySize }) {
            throw .tokenOutOfVocabulary(id: ids[at], at: at, vocabulary: model.vocabularySize)
        }
        let sequence = LanguageModel.scoredSequence
        do throws(RouteRefusal) { try bank?.admit(sequence, route: route) } catch { throw .invalidRoute(error) }
        defer { bank?.end(sequence) }
        for start in stride(from: 0, to: ids.count, by: chunk) {
            let end = min(start + chunk, ids.count)
            var batch = Batch()
            batch.append(sequence, ids[start..<end], start: start, pages: pages, wantsLast: end > last)
            forward.run(batch, cache: cache)
            if let message = forward.failures.values.first { throw .expert(message) }
        }
        return forward.logits.array(row: 0)
    }
}

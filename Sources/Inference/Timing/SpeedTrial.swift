import Kernels

/// Times prefill and decode of one stream, as `skein bench` compares them with llama.cpp.
///
/// An engine and its memory are made once; run each trial once to warm up.
package final class SpeedTrial {
    private let engine: Engine
    private let route: RouteRequest?

    /// - Parameters:
    ///   - bank: the experts that tokens are routed to by `route`.
    ///   - countsMixtures: whether mixture layers count what tokens choose, as they do for statistics.
    ///   - contextMax: prompt and decoded tokens together.
    package init(
        model: LanguageModel, team: ComputeTeam, instructionSet: InstructionSet = .best, contextMax: Int,
        tokensPerStepMax: Int = 512, bank: RoutedExpertBank? = nil, route: RouteRequest? = nil,
        countsMixtures: Bool = true,
        nanoseconds: @escaping () -> UInt64 = MonotonicClock.nanoseconds
    ) throws(EngineLimitsError) {
        let pages = (contextMax + KeyValuePages.positionsPerPage - 1) / KeyValuePages.positionsPerPage
        let limits = EngineLimits(
            tokensPerStepMax: tokensPerStepMax, sequencesMax: 1, waitingMax: 0, contextMax: contextMax,
            keyValuePagesMax: pages)
        self.route = route
        engine = try Engine(
            model: model, limits: limits, team: team, instructionSet: instructionSet, bank: bank,
            nanoseconds: nanoseconds)
        engine.countsMixtures = countsMixtures
    }

    /// Nanoseconds from an empty cache to the first token after `ids`.
    package func prefill(_ ids: [Int32]) throws(AdmissionError) -> UInt64 {
        try run(ids, count: 1).prefill
    }

    /// Nanoseconds of `count` greedy tokens after `ids`, the prompt's own computation not counted.
    package func decode(after ids: [Int32], count: Int) throws(AdmissionError) -> UInt64 {
        try run(ids, count: count + 1).decode
    }

    private func run(_ ids: [Int32], count: Int) throws(AdmissionError) -> (prefill: UInt64, decode: UInt64) {
        _ = try engine.add(GenerationRequest(prompt: ids, maxTokens: count, route: route))
        var time: (prefill: UInt64, decode: UInt64) = (0, 0)
        while engine.hasWork {
            _ = engine.step()
            if engine.statistics.decodeTokens > 0 {
                time.decode += engine.statistics.stepNanoseconds
            } else {
                time.prefill += engine.statistics.stepNanoseconds
            }
        }
        return time
    }
}

import Gating
import Inference
import Kernels
import Testing

/// Promise P1 with experts: the same bits alone and among others, in chunks, on any number of threads, on any instruction set, with the
/// rows of experts computed early or late.
@Suite("Placement of routed experts is invisible")
struct RoutedPlacementTests {
    static let routes: [RouteOptions] = [
        RouteOptions(), RouteOptions(method: .arrow), RouteOptions(method: .merged),
        RouteOptions(method: .single("swift")),
    ]

    @Test(arguments: PlacementTests.modes)
    func chunksThreadsAndInstructionSets(mode: ComputeMode) throws {
        let model = try TestModels.standard(mode)
        let set = try TestExperts.shipped()
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(72))
        let reference = try model.score(ids, set, RouteOptions(), chunk: 512)
        for chunk in [1, 7] { #expect(try model.score(ids, set, RouteOptions(), chunk: chunk) == reference) }
        let few = Array(ids.prefix(12))
        let short = try model.score(few, set, RouteOptions())
        #expect(short.logitsSHA256 != (try model.score(few, set, .off)).logitsSHA256)
        for instructionSet in InstructionSet.available {
            let found = try model.score(
                few, set, RouteOptions(), chunk: 5, team: ComputeTeam(threads: 1), instructionSet: instructionSet)
            #expect(found == short, "\(instructionSet), 1 thread")
        }
    }

    /// One step serves a PHATGOOSE request, a single-adapter request and a trunk-only request together.
    @Test(arguments: PlacementTests.modes)
    func amongFifteenOthersOfOtherRoutes(mode: ComputeMode) throws {
        let ids = try RoutingGolden.read().index.nll.ids
        let others: [GenerationRequest] = (0..<13).map { index in
            let methods: [RouteMethod] = [
                .phatgoose, .arrow, .arrowUnit, .merged, .single("python"), .off,
            ]
            return GenerationRequest(
                prompt: Array(ids[index * 3..<index * 4 + 5]),
                sampling: SamplingOptions(temperature: 1, seed: UInt64(index)), maxTokens: 4 + index % 3,
                route: RouteRequest(RouteOptions(method: methods[index % methods.count])))
        }
        let tested = [RouteOptions(), RouteOptions(method: .single("french")), .off].map {
            GenerationRequest(prompt: Array(ids.prefix(40)), maxTokens: 4, topLogprobs: 5, route: RouteRequest($0))
        }
        let alone = try tested.map { try engine(mode).complete($0) }
        let together = try engine(mode).complete(others + tested)
        #expect(Array(together.suffix(3)) == alone)
        #expect(Set(alone.map(\.generated.description)).count == 3, "the routes make no difference")
        let plain = try Engine(model: TestModels.standard(mode), limits: Self.limits, team: TestModels.team)
            .complete(GenerationRequest(prompt: Array(ids.prefix(40)), maxTokens: 4, topLogprobs: 5))
        #expect(plain == alone[2])
    }

    /// A source that works elsewhere is asked for all rows at once, before the trunk's product.
    @Test func earlyAndLateRowsAreTheSame() throws {
        let model = try TestModels.standard(.fast)
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(100))
        for route in Self.routes {
            let bank = RoutedExpertBank(
                try TestExperts.shipped(), source: EarlyRows(LocalExpertRows(team: TestModels.team)), rowsMax: 128,
                team: TestModels.team)
            let early = try model.score(ids, team: TestModels.team, bank: bank, route: RouteRequest(route))
            #expect(early == (try model.score(ids, TestExperts.shipped(), route)))
        }
    }

    private static let limits = EngineLimits(
        tokensPerStepMax: 50, promptTokensBesideDecodingMax: 13, sequencesMax: 16, contextMax: 256, keyValuePagesMax: 64
    )

    private func engine(_ mode: ComputeMode) throws -> Engine {
        try Engine(
            model: TestModels.standard(mode), limits: Self.limits, team: TestModels.team,
            bank: TestExperts.bank(rowsMax: 50))
    }
}

/// Local rows that are asked for as those of workers are.
final class EarlyRows: ExpertRowSource {
    private let rows: LocalExpertRows
    /// Experts that have no rows.
    var lost: Set<Int> = []

    init(_ rows: LocalExpertRows) { self.rows = rows }

    func worksElsewhere(for set: ExpertSet) -> Bool { true }

    func begin(_ routing: GroupRouting, input: Columns) { rows.begin(routing, input: input) }

    func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair] {
        let missing = rows.collect(routing, into: results)
        precondition(missing.isEmpty)
        return routing.pairs.indices.filter { lost.contains(routing.pairs[$0].expert) }.map {
            MissingPair(pair: $0, message: "\(routing.name(of: routing.pairs[$0])) is lost")
        }
    }
}

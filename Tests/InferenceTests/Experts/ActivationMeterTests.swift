import Gating
import Inference
import Testing
import Weights

@Suite("Mean inputs of linear layers")
struct ActivationMeterTests {
    private static let ids: [Int32] = [504, 1594, 282, 260, 905, 314]

    /// The mean over all is that of the parts, whatever chunks were computed; a first position is left out where that is asked for.
    @Test func meansAreOverPositions() throws {
        let model = try TestModels.standard(.fast)
        let group = model.siteGroups[0].index
        func mean(_ ids: [Int32], from first: Int32, chunk: Int) throws -> [Float] {
            let meter = ActivationMeter(groups: [group], firstPosition: first)
            _ = try model.score(ids, team: TestModels.team, chunk: chunk, bank: meter)
            let means = meter.takeMeans()
            #expect(means.keys.sorted() == [group])
            #expect(meter.takeMeans().isEmpty)
            return try #require(means[group])
        }
        let whole = try mean(Self.ids, from: 0, chunk: 128)
        #expect(try mean(Self.ids, from: 0, chunk: 2) == whole)
        // The first layer's inputs are those of each token alone.
        let rest = try mean(Self.ids, from: 1, chunk: 128)
        let first = try mean(Array(Self.ids.prefix(2)), from: 0, chunk: 128)
        let second = try mean(Array(Self.ids.prefix(2)), from: 1, chunk: 128)
        for index in whole.indices {
            let firstAlone = 2 * first[index] - second[index]
            #expect(abs(whole[index] * 6 - (rest[index] * 5 + firstAlone)) < 1e-3)
        }
        #expect(rest != whole)
    }

    /// It adds nothing itself, and what the bank behind it adds comes through unchanged.
    @Test func theBankBehindItWorksAsWithout() throws {
        let model = try TestModels.standard(.fast)
        let route = RouteOptions(method: .single("french"))
        let set = try TestExperts.shipped()
        let meter = ActivationMeter(inner: try TestExperts.bank(set))
        let metered = try model.score(Self.ids, team: TestModels.team, bank: meter, route: RouteRequest(route))
        #expect(try metered == model.score(Self.ids, set, route))
        let alone = try model.score(Self.ids, team: TestModels.team)
        #expect(metered != alone)
        #expect(try model.score(Self.ids, team: TestModels.team, bank: ActivationMeter()) == alone)
    }

    /// Mean activations given beside a folder make `average` routable.
    @Test func measuredMeansMakeAverageRoutable() throws {
        let model = try TestModels.standard(.fast)
        let adapter = try TestExperts.sources(["french", "python"])
        let route = RouteOptions(method: .average, topK: 1)
        let plain = try ExpertSet.load(adapter, for: model, team: TestModels.team)
        #expect(throws: ScoreError.self) { try model.score(Self.ids, plain, route) }
        let measured = adapter.map { source in
            var source = source
            source.meanActivations = Dictionary(
                uniqueKeysWithValues: source.adapter.pairs.map { ($0.site, [Float](repeating: 0, count: $0.inputs)) })
            return source
        }
        let set = try ExpertSet.load(measured, for: model, team: TestModels.team)
        // Equal vectors: the lower id wins everywhere, with all the weight.
        let score = try model.score(Self.ids, set, route)
        #expect(try score.meanNLL == model.score(Self.ids, plain, RouteOptions(method: .single("french"))).meanNLL)
    }
}

import Digest
import Foundation
import Gating
import Inference
import Kernels
import Testing
import Weights

/// The oracles of the method, refusals, lost workers, versions, traces and statistics.
@Suite("Routed experts")
struct RoutedBankTests {
    private let ids: [Int32]

    init() throws { ids = Array(try RoutingGolden.read().index.nll.ids.prefix(24)) }

    private func score(_ set: ExpertSet, _ route: RouteOptions) throws -> Score {
        try TestModels.standard(.exact).score(ids, set, route)
    }

    /// N = 1 is the plain adapter, and k clamps to N.
    @Test func oneExpertAloneIsTheAdapter() throws {
        let set = try TestExperts.load([("german", TestExperts.folder.appending(path: "german").path)])
        let plain = try score(set, RouteOptions(method: .single("german")))
        #expect(try score(set, RouteOptions()) == plain)
        #expect(try score(set, RouteOptions(topK: 5)) == plain)
        #expect(try score(set, RouteOptions(method: .merged)) == plain)
        #expect(plain.logitsSHA256 != (try score(set, .off)).logitsSHA256)
    }

    /// Equal gates give 1/2 and 1/2.
    @Test func twinsShareTheWeight() throws {
        let path = TestExperts.folder.appending(path: "french").path
        let set = try TestExperts.load([("a", path), ("b", path)])
        let bank = try TestExperts.bank(set)
        try bank.admit(LanguageModel.scoredSequence, route: RouteRequest(RouteOptions(), traces: true))
        var choices: [TracedChoice] = []
        _ = try TestModels.standard(.exact).score(
            ids, team: TestModels.team, bank: bank, route: RouteRequest(RouteOptions(), traces: true),
            progress: { _ in choices = bank.takeTrace(LanguageModel.scoredSequence) })
        #expect(choices.count == 210 * ids.count)
        #expect(choices.allSatisfy { $0.experts == [0, 1] && $0.weights == [0.5, 0.5] && $0.nullWeight == 0 })
    }

    /// Explicit weights of 1/N are the average of the products.
    @Test func mergedIsAllAtOneShare() throws {
        let set = try TestExperts.shipped()
        let weights = Dictionary(uniqueKeysWithValues: TestExperts.names.map { ($0, Float(1) / 8) })
        #expect(try score(set, RouteOptions(method: .merged)) == score(set, RouteOptions(weights: weights)))
    }

    /// τ = -infinity is the paper; a τ that nothing reaches is the trunk.
    @Test func theNullExpertTakesWhatNobodyReaches() throws {
        let folders = TestExperts.names.map { (name: $0, path: TestExperts.folder.appending(path: $0).path) }
        func set(_ tau: Float) throws -> ExpertSet {
            let sites = TestModels.linearSites(try TestModels.standard(.exact))
            let scores = Dictionary(uniqueKeysWithValues: sites.map { ($0, tau) })
            return try TestExperts.load(folders, calibration: SetCalibration(nullScores: ["phatgoose": scores]))
        }
        let route = RouteOptions(null: .on)
        #expect(try score(set(1000), route).logitsSHA256 == score(TestExperts.shipped(), .off).logitsSHA256)
        #expect(
            try score(set(-.infinity), route).logitsSHA256 == score(TestExperts.shipped(), RouteOptions()).logitsSHA256)
        #expect(throws: ScoreError.self) { try score(TestExperts.shipped(), route) }
    }

    @Test func routesThatCannotBeServedAreRefused() throws {
        let bank = try TestExperts.bank()
        for (route, text) in [
            (RouteOptions(method: .single("italian")), "italian"), (RouteOptions(method: .average), "mean activations"),
            (RouteOptions(method: .retrieval), "retrieval"), (RouteOptions(topK: 0), "topK"),
        ] {
            let refusal = #expect(throws: RouteRefusal.self) {
                try bank.admit(SequenceID(number: 1), route: RouteRequest(route))
            }
            #expect(refusal?.message.contains(text) == true)
        }
        let engine = try Engine(
            model: TestModels.standard(.fast), limits: EngineLimits(contextMax: 64), team: TestModels.team, bank: bank)
        #expect(throws: AdmissionError.self) {
            try engine.add(
                GenerationRequest(prompt: ids, maxTokens: 1, route: RouteRequest(RouteOptions(method: .average))))
        }
        #expect(!engine.hasWork)
    }

    @Test func twoExpertsOfOneNameAreRefused() throws {
        let path = TestExperts.folder.appending(path: "french").path
        #expect(throws: ExpertSetError.self) { try TestExperts.load([("a", path), ("a", path)]) }
    }

    /// What a lost expert means is the request's choice.
    @Test func aLostExpertIsAnsweredAsTheRequestSays() throws {
        let model = try TestModels.standard(.exact)
        let set = try TestExperts.shipped()
        func lost(_ route: RouteOptions) throws -> Score {
            let source = EarlyRows(LocalExpertRows(team: TestModels.team))
            source.lost = [0]
            let bank = RoutedExpertBank(set, source: source, rowsMax: 64, team: TestModels.team)
            return try model.score(ids, team: TestModels.team, bank: bank, route: RouteRequest(route))
        }
        let weights: [String: Float] = ["french": 0.25, "german": 0.75]
        let error = #expect(throws: ScoreError.self) { try lost(RouteOptions(weights: weights)) }
        #expect(error?.description.contains("expert french at model.layers.0") == true)
        #expect(
            try lost(RouteOptions(weights: weights, onMissing: .trunkOnly)).logitsSHA256
                == score(set, RouteOptions(weights: ["german": 0.75])).logitsSHA256)
        #expect(
            try lost(RouteOptions(weights: weights, onMissing: .renormalise)).logitsSHA256
                == score(set, RouteOptions(weights: ["german": 1])).logitsSHA256)
    }

    /// A sequence keeps the set it began with; a third version is refused.
    @Test func publishingKeepsRunningSequencesAsTheyAre() throws {
        let folder = TestExperts.folder
        func set(_ names: [String]) throws -> ExpertSet {
            try TestExperts.load(names.map { ($0, folder.appending(path: $0).path) })
        }
        let (one, two, three) = (
            try set(["french", "german"]), try set(["french", "german", "python"]), try set(["python"])
        )
        let request = GenerationRequest(prompt: ids, maxTokens: 6, topLogprobs: 3, route: RouteRequest(RouteOptions()))
        let model = try TestModels.standard(.fast)
        func engine(_ bank: RoutedExpertBank) throws -> Engine {
            try Engine(model: model, limits: EngineLimits(contextMax: 64), team: TestModels.team, bank: bank)
        }
        let alone = try [one, two].map { try engine(TestExperts.bank($0)).complete(request) }
        #expect(alone[0] != alone[1])
        let bank = try TestExperts.bank(one)
        let shared = try engine(bank)
        _ = try shared.add(request)
        var found: [SequenceID: Outcome] = [:]
        func step() {
            for event in shared.step() {
                switch event {
                case .token(let id, let token):
                    found[id, default: Outcome()].tokens.append(token.id)
                    found[id, default: Outcome()].generated.append(token)
                case .finished(let id, let reason): found[id, default: Outcome()].finish = reason
                }
            }
        }
        step()
        try bank.publish(two)
        _ = try shared.add(request)
        step()
        #expect(throws: RouteRefusal.self) { try bank.publish(three) }
        while shared.hasWork { step() }
        #expect(found.sorted { $0.key < $1.key }.map(\.value) == alone)
        try bank.publish(three)
        #expect(bank.set.names == ["python"])
    }

    /// Only rehearsals meet the candidate, and they meet it as if it were the set.
    @Test func rehearsalsMeetTheCandidate() throws {
        let folder = TestExperts.folder
        func set(_ names: [String]) throws -> ExpertSet {
            try TestExperts.load(names.map { ($0, folder.appending(path: $0).path) })
        }
        let (one, two) = (try set(["french", "german"]), try set(["french", "german", "python"]))
        let model = try TestModels.standard(.fast)
        func hash(_ bank: RoutedExpertBank, rehearses: Bool = false) throws -> SHA256Digest {
            var route = RouteRequest(RouteOptions())
            route.rehearses = rehearses
            return try model.score(ids, team: TestModels.team, bank: bank, route: route).logitsSHA256
        }
        let (first, second) = (try hash(TestExperts.bank(one)), try hash(TestExperts.bank(two)))
        #expect(first != second)
        let bank = try TestExperts.bank(one)
        #expect(throws: ScoreError.self) { try hash(bank, rehearses: true) }
        bank.candidate = two
        #expect(try hash(bank, rehearses: true) == second && hash(bank) == first)
        #expect(bank.takeStatistics(of: two).experts.contains("python"))
        #expect(!bank.takeStatistics().sites.isEmpty)
    }

    /// Every eighth step live rows are counted as if the candidate were the set. Before the first site nothing can have differed.
    @Test func liveRowsAreCountedForTheCandidate() throws {
        let folder = TestExperts.folder
        func set(_ names: [String]) throws -> ExpertSet {
            try TestExperts.load(names.map { ($0, folder.appending(path: $0).path) })
        }
        let (one, two) = (try set(["french", "german"]), try set(["french", "german", "python"]))
        let model = try TestModels.standard(.fast)
        let whole = try TestExperts.bank(two), bank = try TestExperts.bank(one)
        func hash(_ bank: RoutedExpertBank) throws -> SHA256Digest {
            try model.score(ids, team: TestModels.team, bank: bank, route: RouteRequest(RouteOptions())).logitsSHA256
        }
        _ = try hash(whole)
        let expected = whole.takeStatistics()
        let before = try hash(bank)
        #expect(bank.takeShadowStatistics() == nil)
        bank.candidate = two
        for _ in 0..<7 { #expect(try hash(bank) == before) }
        #expect(bank.takeShadowStatistics()?.sites.isEmpty == true)
        #expect(try hash(bank) == before)
        let counted = try #require(bank.takeShadowStatistics())
        #expect(counted.experts == ["french", "german", "python"] && counted.sites.count == expected.sites.count)
        for (site, other) in zip(counted.sites, expected.sites).prefix(3) {
            #expect(site.kept == other.kept && site.rows == other.rows)
        }
        #expect(counted.sites.last?.kept != expected.sites.last?.kept, "the newcomer changes nothing later on")
        #expect(bank.takeStatistics().experts == ["french", "german"])
    }

    @Test func statisticsSumWhatWasChosen() throws {
        let bank = try TestExperts.bank()
        var choices: [TracedChoice] = []
        _ = try TestModels.standard(.exact).score(
            ids, team: TestModels.team, bank: bank, route: RouteRequest(RouteOptions(), traces: true),
            progress: { _ in choices = bank.takeTrace(LanguageModel.scoredSequence) })
        let statistics = bank.takeStatistics()
        #expect(statistics.sites.count == 210 && statistics.experts == TestExperts.names)
        for site in statistics.sites {
            let own = choices.filter { Int($0.group) == site.group && Int($0.linear) == site.linear }
            var kept = [Double](repeating: 0, count: 8)
            for choice in own {
                for (expert, weight) in zip(choice.experts, choice.weights) { kept[Int(expert)] += Double(weight) }
            }
            #expect(site.rows == ids.count && site.fullRows == ids.count && site.kept == kept)
            #expect(abs(site.full.reduce(0, +) - Double(ids.count)) < 1e-3 && site.fullNull == 0 && site.emptyRows == 0)
            #expect(site.entropy > 0 && site.entropy < Double(ids.count) * 2.08)
        }
        #expect(bank.takeStatistics().sites.isEmpty)
    }
}

extension TestModels {
    static func linearSites(_ model: LanguageModel) -> [String] {
        model.siteGroups.dropLast().flatMap { $0.linears.map(\.site) }
    }
}

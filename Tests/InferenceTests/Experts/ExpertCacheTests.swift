import Foundation
import Gating
import Inference
import Kernels
import Testing
import Weights

/// Promise P1 with a cache: which experts are beside the trunk changes between two steps, and never a bit.
@Suite("Hot experts beside the trunk")
struct ExpertCacheTests {
    @Test(arguments: [RouteOptions(), RouteOptions(method: .merged), RouteOptions(method: .arrow)])
    func bitsAreThoseOfAllLocalWhileExpertsComeAndGo(route: RouteOptions) throws {
        let shelf = try Shelf(copies: 1)
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(160))
        let model = try TestModels.standard(.fast)
        let expected = try model.score(ids, TestExperts.shipped(), route, chunk: 2)
        // Room for three of eight.
        let rows = CachingRows(shelf, bytesMax: 3 * shelf.bytes + 100)
        let bank = RoutedExpertBank(shelf.set, source: rows, rowsMax: 2, team: TestModels.team)
        let score = try model.score(ids, team: TestModels.team, chunk: 2, bank: bank, route: RouteRequest(route))
        #expect(score == expected)
        #expect(rows.pulled >= 3, "nothing came")
        #expect(rows.nearPairs > 0 && rows.farPairs > 0)
        #expect(rows.bytesHighest <= rows.cache.bytesMax && rows.bytesHighest > 2 * shelf.bytes)
    }

    @Test func aCacheWithRoomForAllLeavesNothingElsewhere() throws {
        let shelf = try Shelf(copies: 1)
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(200))
        let rows = CachingRows(shelf, bytesMax: 9 * shelf.bytes)
        let bank = RoutedExpertBank(shelf.set, source: rows, rowsMax: 1, team: TestModels.team)
        let model = try TestModels.standard(.fast)
        _ = try model.score(
            ids, team: TestModels.team, chunk: 1, bank: bank, route: RouteRequest(RouteOptions(method: .merged)))
        #expect(rows.cache.names == TestExperts.names && rows.cache.holdsAll(of: shelf.set))
        #expect(!rows.worksElsewhere(for: shelf.set))
    }

    /// Many more experts than fit: what is held stays within the bound at every step, and the hot ones of a new text replace the old.
    @Test func fortyExpertsUnderTheBoundOfThree() throws {
        let shelf = try Shelf(copies: 5)
        let rows = CachingRows(shelf, bytesMax: 3 * shelf.bytes + 100)
        let bank = RoutedExpertBank(shelf.set, source: rows, rowsMax: 1, team: TestModels.team)
        let model = try TestModels.standard(.fast)
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(60))
        for name in ["french-3", "swift-0", "python-4", "german-1"] {
            let route = RouteRequest(RouteOptions(method: .single(name)))
            _ = try model.score(ids, team: TestModels.team, chunk: 1, bank: bank, route: route)
            #expect(rows.cache.names.contains(name), "\(name) of \(rows.cache.names)")
        }
        #expect(!rows.cache.names.contains("french-3"), "nothing was given up")
        #expect(rows.bytesHighest <= rows.cache.bytesMax)
    }

    @Test func whatCannotComeStaysElsewhereAndIsAskedForOnce() throws {
        let shelf = try Shelf(copies: 1)
        shelf.refused = ["french"]
        let rows = CachingRows(shelf, bytesMax: 9 * shelf.bytes)
        let bank = RoutedExpertBank(shelf.set, source: rows, rowsMax: 1, team: TestModels.team)
        let ids = Array(try RoutingGolden.read().index.nll.ids.prefix(100))
        let route = RouteRequest(RouteOptions(method: .merged))
        _ = try TestModels.standard(.fast).score(ids, team: TestModels.team, chunk: 1, bank: bank, route: route)
        #expect(rows.refusals == ["french"])
        #expect(rows.cache.names == TestExperts.names.filter { $0 != "french" })
    }
}

/// Where experts are when they are not beside the trunk. Stands for a store and for workers; an answer takes two looks.
final class Shelf: ExpertPulling {
    let set: ExpertSet
    let experts: [CachedExpert]
    /// Of the largest.
    let bytes: Int
    var refused: Set<String> = []
    private var asked: (name: String, hash: String, looks: Int)?

    /// - Parameter copies: of each shipped expert, under names of their own.
    init(copies: Int) throws {
        let model = try TestModels.standard(.fast)
        let sources = try TestExperts.names.flatMap { name in
            let adapter = try AdapterFolder.open(TestExperts.folder.appending(path: name).path, hashing: false)
            return (0..<copies).map { copy in
                let own = copies == 1 ? name : "\(name)-\(copy)"
                return ExpertSource(name: own, hash: own, adapter: adapter, isResident: false)
            }
        }
        set = try ExpertSet.load(sources, for: model, team: TestModels.team)
        experts = try set.names.map { name in
            let source = try #require(sources.first { $0.name == name })
            return try CachedExpert(source, groups: model.siteGroups)
        }
        bytes = experts.map(\.bytes).max() ?? 0
    }

    func pull(_ member: ExpertSet.Member) {
        precondition(asked == nil)
        asked = (member.name, member.hash, 0)
    }

    func take() -> PulledExpert? {
        asked?.looks += 1
        guard let (name, hash, looks) = asked, looks == 2 else { return nil }
        asked = nil
        guard !refused.contains(name), let expert = experts.first(where: { $0.hash == hash }) else {
            return PulledExpert(hash: hash, result: .failure(ExpertSetError("\(name) is withheld")))
        }
        return PulledExpert(hash: hash, result: .success(expert))
    }
}

/// Rows of experts in a cache, and of the others from the shelf.
final class CachingRows: ExpertRowSource {
    let cache: ExpertCache
    private let shelf: Shelf
    private let local = LocalExpertRows(team: TestModels.team)
    private var input: Columns?
    private var lastGroup = -1
    private(set) var pulled = 0
    private(set) var refusals: [String] = []
    private(set) var nearPairs = 0
    private(set) var farPairs = 0
    private(set) var bytesHighest = 0

    init(_ shelf: Shelf, bytesMax: Int) {
        self.shelf = shelf
        let bytes = shelf.bytes
        cache = ExpertCache(bytesMax: bytesMax, pulling: shelf) { _ in bytes }
    }

    func worksElsewhere(for set: ExpertSet) -> Bool { !cache.holdsAll(of: set) }

    func begin(_ routing: GroupRouting, input: Columns) {
        // A lower group than before: another step.
        if routing.group.index <= lastGroup { swap() }
        lastGroup = routing.group.index
        self.input = input
        cache.note(routing)
    }

    private func swap() {
        for change in cache.swap() {
            switch change {
            case .cached: pulled += 1
            case .evicted: break
            case .refused(let name, _): refusals.append(name)
            }
        }
        bytesHighest = max(bytesHighest, cache.bytesHeld)
    }

    func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair] {
        guard let input else { preconditionFailure("collect without begin") }
        let cached = cache.residents(of: routing.set)
        for pair in routing.pairs {
            if cached[pair.expert] == nil { farPairs += 1 } else { nearPairs += 1 }
        }
        let missing = local.compute(routing, input: input, into: results, cached: cached) {
            cached[routing.pairs[$0].expert] != nil
        }
        return missing
            + local.compute(routing, input: input, into: results, cached: shelf.experts.map { $0 }) {
                cached[routing.pairs[$0].expert] == nil
            }
    }
}

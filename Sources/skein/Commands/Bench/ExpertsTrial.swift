import Benchmarking
import Client
import Foundation
import Launcher
import Messaging
import Topology

/// The same answers through clusters that differ in where their experts are.
struct ExpertsTrial {
    private let options: BenchExperts
    private let site: ExpertsTrialSite

    init(_ options: BenchExperts, _ site: ExpertsTrialSite) {
        self.options = options
        self.site = site
    }

    func run() throws -> ExpertsReport {
        for cluster in site.clusters {
            Terminal.progress("launching \(cluster.name)")
            try Launcher.launchDetached(cluster)
            try OnPool.wait { try await Readiness(cluster, seconds: 60).wait() }
        }
        let clients = try site.clusters.map { cluster in
            let door = try FrontDoor(cluster)
            return try OnPool.wait { try await door.connect() }
        }
        defer { for client in clients { client.close() } }
        // Enough for what is hot to come beside the trunk.
        for client in clients {
            Terminal.progress("warming up")
            _ = try speed(client, streams: 1, tokens: 200)
        }
        let single = try compare(clients, streams: 1)
        let many = try compare(clients, streams: options.streams)
        Terminal.endProgress()
        return ExpertsReport(
            model: options.model, experts: site.experts.count, compute: options.compute,
            threads: options.threads ?? ProcessInfo.processInfo.activeProcessorCount, rounds: options.rounds.count,
            tokens: options.maxTokens, single: single, many: many, streams: options.streams,
            resident: try zip(site.names, clients).map { name, client in
                ExpertsReport.Resident(
                    cluster: name,
                    megabytes: try OnPool.wait {
                        try await client.status().workers.map {
                            .init(worker: $0.name, megabytes: $0.residentBytes >> 20)
                        }
                    })
            },
            cacheMegabytes: site.names.contains("cacheable") ? options.cacheMegabytes : nil,
            cacheMegabytesHighest: cacheMegabytesHighest())
    }

    private func compare(_ clients: [RouterClient], streams: Int) throws -> [ExpertsReport.Contestant] {
        var rounds = Rounds(contestants: clients.count, count: options.rounds.count)
        var answers: Set<[[Int32]]> = []
        for (index, turn) in rounds.turns.enumerated() {
            Terminal.progress("\(streams) at once, turn \(index + 1) of \(rounds.turns.count)")
            let measured = try speed(clients[turn.contestant], streams: streams, tokens: options.maxTokens)
            rounds.record(measured.tokensPerSecond, of: turn)
            answers.insert(measured.tokens)
        }
        guard answers.count == 1 else {
            throw CommandFailure.failed("the answers differ; wherever experts are, the tokens must be the same")
        }
        return clients.indices.map { index in
            let ratios = rounds.pairs(ours: index, theirs: 0).ratios
            return ExpertsReport.Contestant(
                name: site.names[index], tokensPerSecond: rounds.samples(of: index).median,
                overLocal: ratios.median, overLocalMin: ratios.min, overLocalMax: ratios.max)
        }
    }

    /// Decoding alone: from when every stream has its first token until the first one ends.
    private func speed(
        _ client: RouterClient, streams: Int, tokens: Int
    ) throws -> (tokensPerSecond: Double, tokens: [[Int32]]) {
        let queries = (0..<streams).map { index in
            Query(
                id: .random(), prompt: .text(Self.openings[index % Self.openings.count] + " \(index)"),
                maxTokens: UInt32(tokens), route: route(of: index))
        }
        let courses = try OnPool.wait {
            try await withThrowingTaskGroup(of: (Int, Course).self) { group in
                for (index, query) in queries.enumerated() {
                    group.addTask { (index, try await Course.of(client.submit(query))) }
                }
                var courses: [Int: Course] = [:]
                for try await (index, course) in group { courses[index] = course }
                return (0..<streams).compactMap { courses[$0] }
            }
        }
        let begin = courses.compactMap { $0.arrivals.first?.at }.max() ?? .now
        let end = courses.compactMap { $0.arrivals.last?.at }.min() ?? .now
        guard begin < end else {
            throw CommandFailure.failed("the answers do not overlap; ask for more tokens or fewer streams")
        }
        let count = courses.joined { $0 > begin && $0 <= end }
        return ((end - begin).perSecond(count), courses.map(\.tokens))
    }

    /// Of many experts, eight for each stream.
    private func route(of stream: Int) -> RouteOptions? {
        guard options.copies != nil else { return nil }
        let count = site.experts.count
        return RouteOptions(allowed: (0..<8).map { site.experts[(stream * 8 + $0) * 61 % count] }.sorted())
    }

    /// What the trunk's log says of its cache: the most that it held.
    private func cacheMegabytesHighest() -> Double? {
        guard let cluster = site.clusters.last,
            let log = try? String(contentsOfFile: cluster.paths.logFile("router"), encoding: .utf8)
        else { return nil }
        let used = log.split(separator: "\n").compactMap { line in
            line.split(separator: "comes beside the trunk: ").dropFirst().first?.split(separator: " ").first.flatMap {
                Double($0)
            }
        }
        return used.max().map { $0 / 1024 }
    }

    private static let openings = [
        "Once upon a time, in a quiet village,", "def area(radius):\n    return", "Le vieux moulin tourne lentement et",
        "And he said unto them, Go ye into", "Der Zug nach Hamburg fährt heute", "let names = people.map(",
        "La niña abrió la ventana y miró", "See also: chmod(1), umask(2). The",
    ]
}

/// One answer's tokens and when they came.
private struct Course: Sendable {
    var tokens: [Int32] = []
    var arrivals: [(count: Int, at: ContinuousClock.Instant)] = []

    static func of(_ stream: QueryStream) async throws -> Course {
        var course = Course()
        for await event in stream {
            switch event {
            case .partial(let partial) where !partial.tokens.isEmpty:
                course.tokens += partial.tokens
                course.arrivals.append((partial.tokens.count, .now))
            case .failure(let failure): throw CommandFailure(failure)
            case .accepted, .partial, .final: break
            }
            if event.isEnding { break }
        }
        return course
    }
}

extension [Course] {
    /// Tokens that came at moments of which `includes` holds.
    fileprivate func joined(_ includes: (ContinuousClock.Instant) -> Bool) -> Int {
        reduce(0) { sum, course in
            sum + course.arrivals.reduce(0) { includes($1.at) ? $0 + $1.count : $0 }
        }
    }
}

/// `bench experts`: tokens per second by where the experts are.
struct ExpertsReport: Encodable {
    struct Contestant: Encodable {
        let name: String
        /// Of all streams together; the median of the rounds.
        let tokensPerSecond: Double
        /// Of the rounds' ratios.
        let overLocal, overLocalMin, overLocalMax: Double
    }

    /// Memory of a cluster's processes at the end, MiB; the trunk is the router's.
    struct Resident: Encodable {
        struct Share: Encodable {
            let worker: String
            let megabytes: UInt64
        }

        let cluster: String
        let megabytes: [Share]
    }

    let model: String
    let experts: Int
    let compute: String
    let threads, rounds: Int
    /// Of each answer.
    let tokens: Int
    let single, many: [Contestant]
    let streams: Int
    let resident: [Resident]
    /// Of the cacheable experts beside the trunk: the bound, and the most that was held.
    let cacheMegabytes: Int?
    let cacheMegabytesHighest: Double?

    var lines: [String] {
        [
            "\(experts) experts of \(model), \(compute), \(threads) threads; answers of \(tokens) tokens, \(rounds) rounds, the "
                + "same tokens"
        ] + Self.table("1 stream", single) + Self.table("\(streams) streams", many)
            + resident.map { cluster in
                let shares = cluster.megabytes.map { "\($0.worker) \($0.megabytes)" }
                return "resident, \(cluster.cluster): \(shares.joined(separator: ", ")) MiB"
            }
            + (cacheMegabytes.map {
                ["the cache held at most \(cacheMegabytesHighest.map(BenchReport.number) ?? "0") of \($0) MiB"]
            } ?? [])
    }

    private static func table(_ title: String, _ contestants: [Contestant]) -> [String] {
        TextColumns.aligned(
            [[title, "tokens/s", "over local", "range"]]
                + contestants.map {
                    [
                        $0.name, BenchReport.number($0.tokensPerSecond), BenchReport.number($0.overLocal),
                        "\(BenchReport.number($0.overLocalMin)) to \(BenchReport.number($0.overLocalMax))",
                    ]
                })
    }
}

import ArgumentParser
import Charts
import Client
import Messaging
import Statistics

struct StatsCommand: AsyncParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Shows a cluster's statistics: counters and latencies.")

    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "Print one JSON object.") var json = false
    @Flag(help: "Show them as they change, until Ctrl-C.") var watch = false
    @Option(
        name: .customLong("window"), parsing: .unconditional,
        help: ArgumentHelp("Of the last N seconds only; 0: since the statistics began.", valueName: "seconds"))
    var windowSeconds: Int = 0

    @Option(
        help: ArgumentHelp(
            "What tokens of a routed model chose, per linear layer whose name matches: * is any text, ? a character.",
            valueName: "glob"))
    var site: String?
    @Option(
        help: ArgumentHelp("Draw it: experts by sites, and how evenly each site chose.", valueName: "file.svg"))
    var plot: String?
    @Option(help: ArgumentHelp("With --site: whose (default: the model that was asked last).", valueName: "model"))
    var model = ""
    @Option(
        name: .customLong("agreement"),
        help: ArgumentHelp("With --site: how often this expert weighs most.", valueName: "expert"))
    var agreement: String?

    @Flag(
        help: """
            Where the experts of a mixture that is spread over workers would go for even load: EPLB's plan on what tokens chose since \
            the router started, against who has them now. Nothing is moved; `skein expert place --plan` does.
            """)
    var plan = false

    /// A year: the router keeps nothing for longer.
    private static let windowSecondsMax = 31_536_000

    func validate() throws {
        if site != nil || plot != nil, watch || windowSeconds > 0 {
            throw ValidationError(
                "--site and --plot show sums since the router started; leave --watch and --window out")
        }
        if plan, site != nil || plot != nil || watch || windowSeconds > 0 {
            throw ValidationError("--plan stands alone, with --model and --json")
        }
        if json && watch { throw ValidationError("--json and --watch exclude each other") }
        guard (0...Self.windowSecondsMax).contains(windowSeconds) else {
            throw ValidationError("--window is \(windowSeconds); it must be 0 ... \(Self.windowSecondsMax)")
        }
    }

    func run() async throws {
        let interruption = try Interruption()
        let feed = watch ? try cluster.statisticsFeed() : nil
        if watch { interruption.onSignal { Interruption.endProcess(.success) } }
        let client = try await cluster.connect()
        defer { client.close() }
        if plan {
            let advice = try await PlacementAdvice(model: model, of: client)
            return json ? try JSONOutput.print(advice) : Terminal.write(advice.text)
        }
        if site != nil || plot != nil { return try show(RoutingSums(try await client.routing(model: model))) }
        let reply = try await client.statistics(windowSeconds: UInt64(windowSeconds))
        if json { return try JSONOutput.print(StatisticsJSON(reply)) }
        guard let feed else { return Terminal.write(StatisticsSnapshot(reply).renderedNow() + ShadowText.lines(reply)) }
        try await follow(feed, from: reply, client)
    }

    private func show(_ sums: RoutingSums) throws {
        let pattern = site ?? "*"
        guard !sums.sites(matching: pattern).isEmpty else {
            throw CommandFailure.usage("--site \(pattern) matches none of \(sums.sites.count) sites")
        }
        if let agreement, !sums.experts.contains(agreement) {
            throw CommandFailure.usage(
                "--agreement \(agreement): the experts are \(sums.experts.joined(separator: ", "))")
        }
        if let plot { try OutputFile.write(RoutingPicture.heatMap(sums, pattern: pattern).text, to: plot) }
        if json { return try JSONOutput.print(RoutingJSON(sums, pattern: pattern)) }
        if site != nil { Terminal.write(RoutingTable.render(sums, pattern: pattern, named: agreement)) }
    }

    /// The stream says when something is new, and what, unless only a window is wanted.
    private func follow(_ feed: StatisticsFeed, from first: StatisticsReply, _ client: RouterClient) async throws {
        var reply = first
        Self.draw(reply)
        var silence = WaitingNote(Self.silent, afterSeconds: 3)
        for await event in feed.events {
            if windowSeconds > 0 {
                reply = try await client.statistics(windowSeconds: UInt64(windowSeconds))
            } else {
                reply.scopes = event.scopes
            }
            silence.end()
            Self.draw(reply)
            silence = WaitingNote(Self.silent, afterSeconds: 3)
        }
        throw CommandFailure.failed("the statistics stream has ended")
    }

    private static let silent = "the router publishes nothing; is it up? (skein status)"

    private static func draw(_ reply: StatisticsReply) {
        // Home, and from there clear to the end.
        let begin = Terminal.outputIsInteractive ? "\u{1B}[H\u{1B}[2J" : ""
        Terminal.write(begin + StatisticsSnapshot(reply).renderedNow() + (Terminal.outputIsInteractive ? "" : "\n"))
    }
}

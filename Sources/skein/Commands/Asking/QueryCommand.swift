import ArgumentParser
import Charts
import Client
import Messaging
import Tokenization
import Topology

struct QueryCommand: AsyncParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Asks a cluster and prints the answer as it arrives.",
        discussion: """
            Ctrl-C cancels the query, on its worker too; so does a reader of the output that goes (… | head).
            With --json --stream every event is a JSON object on a line of its own: "event" is "accepted", "partial" (its
            tokens and text follow those before) or, in the last line, "end", which otherwise is the object of --json.
            """)

    @OptionGroup var source: PromptSource
    @OptionGroup var cluster: ClusterOptions
    @Option(name: .customLong("to"), help: ArgumentHelp("The node asked (default: the topology's).", valueName: "node"))
    var node = ""
    @Option(
        name: .customLong("current-node"),
        help: ArgumentHelp(
            "The node that answered this conversation before; a master leaves it only by a clear margin.",
            valueName: "node"))
    var currentNode = ""
    @OptionGroup var form: PromptForm
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var route: QueryRouteFlags
    @OptionGroup var deadline: DeadlineOption
    @Flag(
        help: """
            Print where the time went, per worker, on standard error; of a routed model also every token in the colour of \
            the expert that weighed most.
            """)
    var trace = false
    @Flag(name: .customLong("trace-prompt"), help: "With --trace: the prompt's tokens as well.") var tracePrompt = false
    @Option(
        name: .customLong("trace-svg"),
        help: ArgumentHelp("Draw every token in its heaviest expert's colour.", valueName: "file"))
    var traceSVG: String?
    @Option(
        help: ArgumentHelp("Write everything that the answer depends on, for `skein replay`.", valueName: "file"))
    var receipt: String?
    @Flag(help: "Print one JSON object at the end instead of the text as it comes.") var json = false
    @Flag(help: "Print what comes as it comes: without --json that is the default, with it each event is a line.")
    var stream = false

    func validate() throws {
        try sampling.refuseTopLogprobs(unless: json)
    }

    func run() async throws {
        for path in [receipt, traceSVG].compactMap(\.self) { try OutputFile.require(path) }
        let interruption = try Interruption()
        let query = try query()
        let client = try await cluster.connect()
        defer { client.close() }
        let events = client.submit(query)
        let cancel = { @Sendable in
            client.cancel(query.id)
            Interruption.endProcess(afterMilliseconds: 1000, saying: "the router has not confirmed the cancellation")
        }
        interruption.onSignal(cancel)
        OutputFault.onFirst(cancel)
        let answer = try await Answer.of(events) { try emit($0, of: query.id) }
        interruption.onSignal(nil)
        try show(answer)
    }

    private func emit(_ event: ClientEvent, of id: QueryID) throws {
        if json, stream, let line = QueryEventJSON(event, of: id, withLogprobs: sampling.topLogprobs > 0) {
            try JSONOutput.print(line)
        } else if !json, case .partial(let partial) = event {
            Terminal.write(partial.text)
        }
    }

    private func query() throws -> Query {
        Query(
            id: .random(), node: node, prompt: try form.wire(try source.text()), sampling: sampling.wire,
            maxTokens: UInt32(sampling.maxTokens ?? 0), stop: sampling.stop,
            deadlineMilliseconds: deadline.milliseconds,
            trace: trace || traceSVG != nil || receipt != nil, topLogprobs: UInt32(sampling.topLogprobs),
            route: route.wire, currentNode: currentNode)
    }

    private func show(_ answer: Answer) throws {
        if json {
            let withLogprobs = sampling.topLogprobs > 0
            try JSONOutput.print(
                QueryJSON(answer, event: stream ? "end" : nil, withTrace: trace, withLogprobs: withLogprobs))
        } else if answer.failure == nil || !answer.text.isEmpty {
            Terminal.write("\n")
        }
        if !json, let text = MissingText.of(answer) { Terminal.note(text) }
        if !json, let text = RelocatedText.of(answer) { Terminal.note(text) }
        if !json, let text = DropsText.of(answer) { Terminal.note(text) }
        if trace, !json { Terminal.note(TraceText.of(answer)) }
        try showRouting(answer)
        // A query that was cancelled because nobody reads it ends with that word.
        try OutputFault.check()
        if let failure = answer.failure { throw CommandFailure(failure) }
    }
}

extension QueryCommand {
    /// Colours, picture and receipt: all of an answer that has come to its end.
    private func showRouting(_ answer: Answer) throws {
        guard let final = answer.final else { return }
        if let path = receipt {
            try OutputFile.write(
                try JSONOutput.text(try AnswerReceipt(answer, stop: sampling.stop), pretty: true), to: path)
        }
        guard (trace && !json) || traceSVG != nil else { return }
        guard let routed = final.routed, !routed.heaviest.isEmpty else {
            if traceSVG != nil { throw CommandFailure.failed("--trace-svg: no token of this answer met experts") }
            return
        }
        let text = try vocabulary(of: answer)
        let tokens = RoutedText(routed, prompt: final.receipt?.prompt ?? [], answer: answer.tokens) {
            text?.tokenizer.piece($0)
        }
        if trace, !json {
            Terminal.note(tokens.terminal(withPrompt: tracePrompt, inColour: Terminal.errorShowsColours))
        }
        if let traceSVG { try OutputFile.write(tokens.picture(withPrompt: true).text, to: traceSVG) }
    }

    /// Nil where only a socket is named: then tokens are shown by their numbers.
    private func vocabulary(of answer: Answer) throws -> ModelText? {
        guard cluster.socket == nil else { return nil }
        let topology = try cluster.loadTopology()
        guard let node = answer.node.flatMap({ topology.node($0) }),
            let model = node.model.flatMap(topology.model)
        else { return nil }
        return try? ModelText(path: model.file)
    }
}

/// How long an answer may take.
struct DeadlineOption: ParsableArguments {
    @Option(
        name: .customLong("timeout-seconds"), parsing: .unconditional,
        help: "How long the answer may take (default: the topology's).")
    var seconds: Double?

    /// A year: longer is a mistake.
    private static let secondsMax = 31_536_000.0

    func validate() throws {
        guard let seconds else { return }
        guard seconds >= 0.001, seconds <= Self.secondsMax else {
            throw ValidationError("--timeout-seconds is \(seconds); it must be 0.001 ... \(Int(Self.secondsMax))")
        }
    }

    /// 0: the topology's default.
    var milliseconds: UInt64 { seconds.map { UInt64(($0 * 1000).rounded()) } ?? 0 }
}

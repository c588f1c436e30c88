import ArgumentParser
import Client
import Messaging
import Statistics

struct ChatCommand: AsyncParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Holds a conversation with a cluster.",
        discussion: """
            /reset forgets the conversation, /stats shows the last answer's and the cluster's numbers, /quit or Ctrl-D \
            ends. Ctrl-C cancels the answer that is being given. With a standard input that is no terminal each line is a \
            message, and the first failure ends the command.
            """)

    @OptionGroup var cluster: ClusterOptions
    @Option(name: .customLong("to"), help: ArgumentHelp("The node asked (default: the topology's).", valueName: "node"))
    var node = ""
    @Option(parsing: .unconditional, help: "The system message.") var system: String?
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var deadline: DeadlineOption

    func validate() throws {
        try sampling.refuseTopLogprobs(unless: false)
    }

    func run() async throws {
        let interruption = try Interruption()
        let client = try await cluster.connect()
        defer { client.close() }
        if Terminal.inputIsInteractive { Terminal.note("/reset, /stats, /quit; Ctrl-C cancels an answer") }
        var conversation = Conversation(command: self, client: client, interruption: interruption)
        while let line = Self.nextLine(interruption) {
            switch line {
            case "": continue
            case "/quit": return
            case "/reset": conversation.reset()
            case "/stats": try await conversation.showStatistics()
            case _ where line.hasPrefix("/"): Terminal.note("\(line): not known; there are /reset, /stats and /quit")
            default: try await conversation.say(line)
            }
        }
        if Terminal.inputIsInteractive { Terminal.write("\n") }
    }

    private static func nextLine(_ interruption: Interruption) -> String? {
        if Terminal.inputIsInteractive {
            interruption.onEverySignal { Terminal.write("\n/quit or Ctrl-D ends the conversation\n> ") }
            Terminal.write("> ")
        }
        return readLine().map { line in String(line.drop { $0.isWhitespace }) }
    }
}

/// A conversation so far, and how its next message is answered.
private struct Conversation {
    private let command: ChatCommand
    private let client: RouterClient
    private let interruption: Interruption
    private var messages: [ChatMessage] = []
    private var last: Answer?
    /// Where the graph's walk ended last: a conversation stays there unless a master is sure of another.
    private var currentNode = ""

    init(command: ChatCommand, client: RouterClient, interruption: Interruption) {
        self.command = command
        self.client = client
        self.interruption = interruption
        reset()
    }

    mutating func reset() {
        currentNode = ""
        messages = command.system.map { [ChatMessage(role: .system, content: $0)] } ?? []
    }

    mutating func say(_ text: String) async throws {
        messages.append(ChatMessage(role: .user, content: text))
        let query = query()
        let stream = client.submit(query)
        let cancel = { @Sendable [client] in client.cancel(query.id) }
        interruption.onSignal(cancel)
        OutputFault.onFirst(cancel)
        let answer = await Answer.of(stream) { if case .partial(let partial) = $0 { Terminal.write(partial.text) } }
        interruption.onSignal(nil)
        try OutputFault.check()
        if answer.failure == nil || !answer.text.isEmpty { Terminal.write("\n") }
        last = answer
        try keep(answer)
    }

    private func query() -> Query {
        Query(
            id: .random(), node: command.node, prompt: .chat(messages), sampling: command.sampling.wire,
            maxTokens: UInt32(command.sampling.maxTokens ?? 0), stop: command.sampling.stop,
            deadlineMilliseconds: command.deadline.milliseconds, trace: true, currentNode: currentNode)
    }

    /// What was answered, if only in part, belongs to the conversation; a message without any answer does not.
    private mutating func keep(_ answer: Answer) throws {
        if answer.text.isEmpty, answer.failure != nil {
            messages.removeLast()
        } else {
            messages.append(ChatMessage(role: .assistant, content: answer.text))
            if let walk = answer.walk { currentNode = walk.node }
        }
        guard let failure = answer.failure else { return }
        guard Terminal.inputIsInteractive else { throw CommandFailure(failure) }
        Terminal.note(failure.kind == .cancelled ? "(cancelled)" : "skein: \(failure.description)")
        if failure.kind == .promptTooLong { Terminal.note("/reset begins a new conversation") }
    }

    func showStatistics() async throws {
        if let last { Terminal.write(TraceText.of(last) + "\n\n") }
        do {
            Terminal.write(StatisticsSnapshot(try await client.statistics()).renderedNow())
        } catch {
            guard Terminal.inputIsInteractive else { throw error }
            Terminal.note("skein: \(error.description)")
        }
    }
}

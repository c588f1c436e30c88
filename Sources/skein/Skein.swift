import ArgumentParser
import Client
import Foundation
import Launcher
import Threading
import Topology

/// The command line. Its contract: `--json` is stable, and so are the exit codes that the help names.
struct Skein: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skein",
        abstract: "Serves a graph of experts from one socket.",
        discussion: """
            Exit codes: 0 done; 1 failed (it began and came to no good end, or its output could not be written); 2 usage \
            (the command line, or a file that it names: a topology, prompt, key or list of ids that is missing or \
            malformed, a model that is missing); 3 refused or unavailable (no router, no worker, a limit, already \
            launched). With --json standard output holds JSON alone; words for people go to standard error.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Cluster:",
                subcommands: [
                    Launch.self, Stop.self, Status.self, GraphCommand.self, RouterCommand.self, WorkerCommand.self,
                ]),
            CommandGroup(name: "Asking:", subcommands: [QueryCommand.self, ChatCommand.self, StatsCommand.self]),
            CommandGroup(
                name: "In process:", subcommands: [Generate.self, ScoreCommand.self, Tokenize.self, Replay.self]),
            CommandGroup(
                name: "Experts:",
                subcommands: [ExpertCommand.self, TrainCommand.self, EvalCommand.self, InspectCommand.self]),
            CommandGroup(name: "Tools:", subcommands: [Bench.self, Keygen.self, Simulate.self]),
        ])
}

/// Not `async`: on Linux an asynchronous main gives the first thread away to a place where every signal is let through, so
/// that no command could watch for one.
@main
enum Main {
    static func main() {
        Descriptor.keepStandardPlaces()
        SignalWatch.ignoreBrokenPipes()
        var command: any ParsableCommand
        do { command = try Skein.parseAsRoot() } catch { end(error) }
        if command is any WatchesSignals { SignalMask.block() }
        if command is any AsyncParsableCommand {
            // Detached: this thread is the main actor's, and it waits; nothing may be left for it to run.
            Task.detached { await runAsynchronously() }
            while true { pause() }
        }
        do { try command.run() } catch { end(error) }
        exit(0)
    }

    /// Parses once more, which costs little: commands are not made to be handed from one thread to another.
    private static func runAsynchronously() async -> Never {
        do {
            guard var command = try Skein.parseAsRoot() as? any AsyncParsableCommand else { exit(0) }
            try await command.run()
        } catch {
            end(error)
        }
        exit(0)
    }

    private static func end(_ error: any Error) -> Never {
        Terminal.endProgress()
        guard let failure = CommandFailure(expected: error) else { endParsing(error) }
        JSONOutput.printFailure(kind: failure.kind.rawValue, failure.message)
        if !failure.message.isEmpty { Terminal.note("skein: \(failure.message.printable)") }
        exit(failure.kind.exitCode)
    }

    /// Help and version are not failures; what the parser throws otherwise is a usage error, and the rest has no type that
    /// anybody expected.
    private static func endParsing(_ error: any Error) -> Never {
        let text = Skein.fullMessage(for: error)
        let code = Skein.exitCode(for: error)
        if code == .success {
            print(text)
            exit(0)
        }
        JSONOutput.printFailure(kind: "usage", Skein.message(for: error))
        Terminal.note(text)
        exit(code == .validationFailure ? CommandFailure.Kind.usage.exitCode : CommandFailure.Kind.failed.exitCode)
    }
}

extension Launch: WatchesSignals {}
extension RouterCommand: WatchesSignals {}
extension WorkerCommand: WatchesSignals {}

import ArgumentParser
import Client
import Foundation
import Launcher
import Topology

/// The command line. Its contract: `--json` is stable; exit codes are 0 done, 1 failed, 2 usage, 3 refused or unavailable.
struct Skein: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skein",
        abstract: "Serves a graph of experts from one socket.",
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Cluster:",
                subcommands: [Launch.self, Stop.self, Status.self, RouterCommand.self, WorkerCommand.self]),
            CommandGroup(name: "Tools:", subcommands: [Keygen.self]),
        ])
}

@main
enum Main {
    static func main() async {
        do {
            var command = try Skein.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            end(failure)
        } catch {
            if let failure = CommandFailure(expected: error) { end(failure) }
            endParsing(error)
        }
    }

    private static func end(_ failure: CommandFailure) -> Never {
        Terminal.endProgress()
        if !failure.message.isEmpty { Terminal.note("skein: \(failure.message)") }
        exit(failure.kind.exitCode)
    }

    /// Help and version are not failures; everything else that the parser throws is a usage error.
    private static func endParsing(_ error: any Error) -> Never {
        let text = Skein.fullMessage(for: error)
        if Skein.exitCode(for: error) == .success {
            print(text)
            exit(0)
        }
        Terminal.note(text)
        exit(CommandFailure.Kind.usage.exitCode)
    }
}

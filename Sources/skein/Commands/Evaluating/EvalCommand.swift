import ArgumentParser

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Measures how good routing is: of tokens to experts, of queries to nodes.",
        subcommands: [EvalRouting.self, EvalQueries.self, EvalCost.self, EvalAnswers.self, EvalCascade.self])
}

import ArgumentParser

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains experts, their gates, and functional tokens of masters.",
        discussion: """
            The trunk stays frozen. A run keeps a checkpoint in <out>.run beside its result until that is written whole; after a \
            kill the same command with --resume ends with the same bytes. Documentation/Learning.md has the equations and a \
            walk-through.
            """,
        subcommands: [TrainExpert.self, TrainGate.self, TrainTokens.self])
}

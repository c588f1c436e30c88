import ArgumentParser

@main
struct Skein: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skein", abstract: "Serves a graph of experts from one socket.")
}

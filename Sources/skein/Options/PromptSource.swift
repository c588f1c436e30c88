import ArgumentParser

/// Where a prompt comes from: the argument, a file, or standard input ("-").
struct PromptSource: ParsableArguments {
    @Argument(help: ArgumentHelp("The prompt; \"-\" reads standard input.", valueName: "prompt"))
    var argument: String?

    @Option(name: .customLong("prompt"), parsing: .unconditional, help: "The prompt, as an option.")
    var option: String?

    @Option(name: .customLong("prompt-file"), help: "A file that holds the prompt.")
    var file: String?

    /// A prompt may be long, but not endless.
    static let bytesMax = 16 << 20

    func text() throws -> String {
        let given = [argument, option, file].compactMap { $0 }
        guard given.count == 1 else {
            throw CommandFailure.usage(
                given.isEmpty
                    ? "no prompt: give it as an argument, with --prompt, with --prompt-file, or \"-\" for standard input"
                    : "more than one prompt: give one of an argument, --prompt and --prompt-file")
        }
        if let file { return String(decoding: try InputFile.bytes(file, bytesMax: Self.bytesMax), as: UTF8.self) }
        let inline = given[0]
        guard inline == "-" else { return inline }
        return String(decoding: try InputFile.standardInput(bytesMax: Self.bytesMax), as: UTF8.self)
    }
}

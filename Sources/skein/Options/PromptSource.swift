import ArgumentParser
import Foundation

/// Where a prompt comes from: the argument, a file, or standard input ("-").
struct PromptSource: ParsableArguments {
    @Argument(help: ArgumentHelp("The prompt; \"-\" reads standard input.", valueName: "prompt"))
    var argument: String?

    @Option(name: .customLong("prompt"), help: "The prompt, as an option.")
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
        if let file { return try Self.readFile(file) }
        let inline = given[0]
        return inline == "-" ? try Self.readStandardInput() : inline
    }

    static func readFile(_ path: String) throws -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure.failed("\(path): cannot be read; is the path right?")
        }
        return try decode(try handle.read(upToCount: bytesMax + 1) ?? Data(), from: path)
    }

    private static func readStandardInput() throws -> String {
        try decode(try FileHandle.standardInput.read(upToCount: bytesMax + 1) ?? Data(), from: "standard input")
    }

    private static func decode(_ data: Data, from origin: String) throws -> String {
        guard data.count <= bytesMax else {
            throw CommandFailure.refused("\(origin): more than \(bytesMax) bytes; a prompt cannot be that long")
        }
        return String(decoding: data, as: UTF8.self)
    }
}

import ArgumentParser
import Tokenization

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the token ids of a text.",
        discussion: """
            Special tokens spelled out in the text are plain text unless --parse-special is given. Nothing is added: no \
            begin of sequence, no chat template. Invalid UTF-8 counts as U+FFFD. --model also takes a tokenizer alone: a \
            tokenizer.json, or a SentencePiece .model file.
            """)

    @Option(
        help: ArgumentHelp("A .gguf file, a tokenizer.json or .model file, or a folder with one.", valueName: "file"))
    var model: String
    @Option(parsing: .unconditional, help: "The text.") var text: String?
    @Option(name: .customLong("text-file"), help: ArgumentHelp("A file with the text.", valueName: "file"))
    var textFile: String?
    @Flag(name: .customLong("parse-special"), help: "Read special tokens in the text.") var parseSpecial = false
    @Flag(help: "Print one JSON object.") var json = false

    private struct Output: Encodable {
        let tokens: [Int32]
    }

    func validate() throws {
        guard (text == nil) != (textFile == nil) else { throw ValidationError("give one of --text and --text-file") }
    }

    func run() throws {
        try ModelOptions.requireModel(model)
        let bytes = try textFile.map { try InputFile.bytes($0) } ?? Array((text ?? "").utf8)
        let tokens = try ModelText(path: model).tokenizer.encode(bytes: bytes, parseSpecial: parseSpecial)
        if json { return try JSONOutput.print(Output(tokens: tokens)) }
        print(tokens.map(String.init).joined(separator: " "))
    }
}

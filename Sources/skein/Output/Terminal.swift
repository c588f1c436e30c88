import Foundation

/// What a person sees while something takes longer than a second; silent when standard error is not a terminal.
enum Terminal {
    static let errorIsInteractive = isatty(STDERR_FILENO) == 1
    static let outputIsInteractive = isatty(STDOUT_FILENO) == 1
    static let inputIsInteractive = isatty(STDIN_FILENO) == 1

    /// Overwrites the current line of standard error.
    static func progress(_ text: String) {
        guard errorIsInteractive else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(text)".utf8))
    }

    static func endProgress() {
        guard errorIsInteractive else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[2K".utf8))
    }

    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// Writes at once: a streamed answer must not wait for a line end.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

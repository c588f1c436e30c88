import Foundation

/// A file that a command was told to write, such as a picture.
enum OutputFile {
    /// Replaces what is there in one step.
    static func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
            throw CommandFailure.failed("\(path): cannot be written: \(error.localizedDescription)")
        }
    }
}

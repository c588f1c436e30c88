import Foundation

/// A file that a command was asked to write.
enum OutputFile {
    static func write(_ text: String, to path: String) throws(CommandFailure) {
        do { try Data(text.utf8).write(to: URL(filePath: path)) } catch {
            throw .failed("\(path): cannot be written (\(error.localizedDescription))")
        }
    }
}

import Foundation
import SystemReasons

/// A file that a command was asked to write.
enum OutputFile {
    /// Refuses a place that cannot be written to before anything is computed for it.
    static func require(_ path: String) throws(CommandFailure) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        let files = FileManager.default
        if files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw .usage("\(path): is a folder; give a file")
        }
        guard files.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw .usage("\(path): there is no folder \(folder)")
        }
        guard files.isWritableFile(atPath: files.fileExists(atPath: path) ? path : folder) else {
            throw .usage("\(path): cannot be written; check its permissions")
        }
    }

    static func write(_ text: String, to path: String) throws(CommandFailure) {
        do { try Data(text.utf8).write(to: URL(filePath: path)) } catch {
            throw .failed("\(path): cannot be written (\(SystemReason.text(of: error)))")
        }
    }
}

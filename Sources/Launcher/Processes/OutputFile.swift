import Foundation

/// What a child writes to its output and errors: words of the runtime, a crash's last lines. Its log proper is another
/// file, which the child rotates itself.
struct OutputFile {
    static let bytesMax = 1 << 20

    let path: String

    /// Empties a file that has grown too large. The child appends, so it goes on at the new end.
    func bound() {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > Self.bytesMax else { return }
        truncate(path, 0)
    }

    var bytes: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The last line that was written after the first `offset` bytes; nil when there is none. Our own programs begin it
    /// with their name, which would be there twice where it is quoted.
    func lastLine(after offset: Int) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        let end = bytes
        let start = max(offset <= end ? offset : 0, end - 4096)
        guard (try? handle.seek(toOffset: UInt64(start))) != nil, let data = try? handle.read(upToCount: 4096) else {
            return nil
        }
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        let last = lines.last { !$0.allSatisfy(\.isWhitespace) }
        return last.map { String($0.hasPrefix("skein: ") ? $0.dropFirst(7) : $0) }.map { String($0.prefix(300)) }
    }
}

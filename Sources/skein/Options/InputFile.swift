import Foundation

/// Files and standard input that a person names on the command line, read within a bound.
enum InputFile {
    /// Of texts to tokenise or score.
    static let bytesMax = 1 << 30

    static func bytes(_ path: String, bytesMax: Int = bytesMax) throws(CommandFailure) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw .usage("\(path): cannot be read; is the path right?")
        }
        return try bytes(handle, origin: path, bytesMax: bytesMax)
    }

    static func standardInput(bytesMax: Int) throws(CommandFailure) -> [UInt8] {
        try bytes(.standardInput, origin: "standard input", bytesMax: bytesMax)
    }

    private static func bytes(
        _ handle: FileHandle, origin: String, bytesMax: Int
    ) throws(CommandFailure) -> [UInt8] {
        let data: Data
        do { data = try handle.read(upToCount: bytesMax + 1) ?? Data() } catch {
            throw .usage("\(origin): cannot be read; is it a file?")
        }
        guard data.count <= bytesMax else { throw .refused("\(origin): more than \(bytesMax) bytes; give less") }
        return Array(data)
    }
}

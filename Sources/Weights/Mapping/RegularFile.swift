/// Whole files that a folder from elsewhere holds. A pipe, a device or a folder in a file's place is refused, not waited for.
package enum RegularFile {
    /// The bytes of the regular file at `path`, or of the one that a link there leads to.
    ///
    /// - Throws: `unreadable` where there is none, `malformed` where it is longer than `bytesMax`; an empty file is `truncated`.
    package static func bytes(_ path: String, bytesMax: Int) throws(WeightsError) -> [UInt8] {
        let file = try FileBytes(mapping: path)
        guard file.count <= bytesMax else {
            throw WeightsError(.malformed, file: path, field: "size", "\(file.count) bytes, at most \(bytesMax)")
        }
        return file.copy(at: 0, length: file.count)
    }
}

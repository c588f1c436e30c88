/// What is wrong with a checkpoint: which file, which field of it, why, and what to do about it where something can be
/// done.
package struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure a caller may want to tell apart.
    package enum Reason: String, Sendable {
        /// The operating system would not let the file be opened, examined or mapped.
        case unreadable
        /// The file ends before the field does.
        case truncated
        /// The bytes are not what the format allows here.
        case malformed
        /// A count or length is over what this program accepts.
        case overLimit
        /// The format allows it, this program does not run it.
        case unsupported
        /// Something required is absent.
        case missing
        /// Two parts of the checkpoint contradict each other.
        case inconsistent
    }

    package let reason: Reason
    /// The path as it was opened.
    package let file: String
    /// The field as its format names it, such as `tensor[3].offset` or `llama.block_count`.
    package let field: String
    package let detail: String

    package init(_ reason: Reason, file: String, field: String, _ detail: String) {
        self.reason = reason
        self.file = file
        self.field = field
        self.detail = detail
    }

    package var description: String { "\(file): \(field): \(detail) (\(reason.rawValue))" }
}

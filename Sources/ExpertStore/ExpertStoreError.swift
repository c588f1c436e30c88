import Weights

/// Why an expert, a set of them or an import is refused: which file, which field, what is wrong and what to do.
package struct ExpertStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        /// The operating system would not let a file be read or written.
        case unreadable
        /// Something that must be there is not.
        case missing
        /// The manifest or another file is not what its format allows.
        case malformed
        /// A file is not the one that the manifest was written for.
        case hashMismatch
        /// Made for another trunk than the one at hand.
        case otherTrunk
        /// Another expert has this name.
        case nameTaken
        /// The format allows it, this program does not route it.
        case unsupported
        /// The adapter or its gates are not what a LoRA expert must be; see `WeightsError`.
        case adapter
    }

    package let reason: Reason
    package let file: String
    package let field: String
    package let detail: String

    package init(_ reason: Reason, file: String, field: String, _ detail: String) {
        self.reason = reason
        self.file = file
        self.field = field
        self.detail = detail
    }

    init(_ error: WeightsError) {
        let reason: Reason =
            switch error.reason {
            case .unreadable: .unreadable
            case .unsupported: .unsupported
            default: .adapter
            }
        self.init(reason, file: error.file, field: error.field, error.detail)
    }

    package var description: String { "\(file): \(field): \(detail)" }
}

/// Runs `body` and gives its error this target's type.
func readingWeights<R>(_ body: () throws(WeightsError) -> R) throws(ExpertStoreError) -> R {
    do { return try body() } catch { throw ExpertStoreError(error) }
}

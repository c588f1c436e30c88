/// Why a training run is refused or stopped: what, where, and what to do.
package struct LearningError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unreadable
        case unwritable
        case malformed
        /// Less text than one step and its held-out share need.
        case tooLittle
        /// Longer than a block may be.
        case tooLong
        /// Made with other settings, or for another trunk.
        case mismatch
        /// Another run works in the same folder, or something lies there already.
        case taken
        /// A loss or a gradient is NaN or infinite.
        case notFinite
    }

    package let reason: Reason
    /// A file, a line of it, or a step.
    package let place: String
    package let detail: String

    package init(_ reason: Reason, _ place: String, _ detail: String) {
        self.reason = reason
        self.place = place
        self.detail = detail
    }

    package var description: String { "\(place): \(detail)" }
}

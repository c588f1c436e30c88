import Foundation
import SystemReasons

/// How the experts of a cluster's models differ from its topology, because they were published and retired while it ran. A file in the
/// cluster's folder, replaced as a whole before a change is acknowledged; it outlives the router.
package struct ExpertsManifest: Codable, Equatable, Sendable {
    package struct Published: Codable, Equatable, Sendable {
        package var expert: String
        /// Of its content, hexadecimal.
        package var sha256: String
        package var folder: String
        /// Who holds it.
        package var worker: String
        /// Held and rehearsed, not in the set.
        package var isShadow = false
    }

    package struct Model: Codable, Equatable, Sendable {
        /// Grows with every change.
        package var version: UInt64 = 0
        /// Sorted by name.
        package var published: [Published] = []
        /// Experts of the topology, sorted.
        package var retired: [String] = []
        /// Of a mixture whose experts were moved: by worker, all that it has. Nil: as the topology places them.
        package var shares: [String: [String]]?

        package init() {}

        package var isAsInTopology: Bool { published.isEmpty && retired.isEmpty && shares == nil }
    }

    package static let currentFormat = 1

    package var format = Self.currentFormat
    package var models: [String: Model] = [:]

    /// What the file says; nothing where there is none.
    package init(readingFrom path: String) throws(ManifestError) {
        self.init()
        guard FileManager.default.fileExists(atPath: path) else { return }
        let reason: String
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: path)))
            reason = ""
        } catch let error as DecodingError {
            reason = SystemReason.text(of: error)
        } catch {
            reason = SystemReason.text(of: error)
        }
        guard reason.isEmpty else {
            throw ManifestError(
                "\(path) cannot be read (\(reason)); restore it, or remove it to begin with the topology's experts")
        }
        guard format == Self.currentFormat else {
            throw ManifestError("\(path) has format \(format), this router reads \(Self.currentFormat)")
        }
    }

    package init() {}

    /// Written beside, then renamed: a reader sees the old file or the new one.
    package func write(to path: String) throws(ManifestError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try FileManager.default.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
        } catch { throw ManifestError("\(path) cannot be written: \(SystemReason.text(of: error))") }
    }
}

package struct ManifestError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

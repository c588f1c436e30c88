/// Everything that is wrong with a topology file, not just the first thing.
package struct TopologyError: Error, Equatable, CustomStringConvertible {
    /// One finding: what is wrong at a line and key, and what to do about it.
    package struct Issue: Equatable, Sendable, CustomStringConvertible {
        package let path: String
        /// Counted from 1; nil where the file as a whole is meant (it cannot be read, say).
        package let line: Int?
        /// Dotted, with positions in lists counted from 0: `workers[1].models`. Empty for the file as a whole.
        package let key: String
        package let message: String

        package init(path: String, line: Int?, key: String, message: String) {
            self.path = path
            self.line = line
            self.key = key
            self.message = message
        }

        /// `file:line: key: what and what to do`.
        package var description: String {
            let place = line.map { "\(path):\($0)" } ?? path
            return key.isEmpty ? "\(place): \(message)" : "\(place): \(key): \(message)"
        }
    }

    /// In the order of the lines; at least one.
    package let issues: [Issue]

    package init(issues: [Issue]) {
        precondition(!issues.isEmpty, "a TopologyError without an issue")
        self.issues = issues
    }

    package var description: String {
        issues.map(\.description).joined(separator: "\n")
    }
}

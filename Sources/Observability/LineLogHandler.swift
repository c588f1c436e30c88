import Foundation
import Logging

/// Where lines go.
package enum LogDestination: Sendable {
    case file(RotatingFile)
    /// For a process in the foreground.
    case standardError
    /// Both: a foreground process with a log file.
    case both(RotatingFile)

    /// A terminal that went away loses the line, not the process.
    private func toStandardError(_ line: String) {
        _ = RotatingFile.writeAll(Array(line.utf8), to: STDERR_FILENO)
    }

    func write(_ line: String) {
        switch self {
        case .file(let file): file.append(line)
        case .standardError: toStandardError(line)
        case .both(let file):
            file.append(line)
            toStandardError(line)
        }
    }
}

/// A swift-log handler: each event becomes one `LogLine` at its destination. A value, as swift-log asks: a copy's level
/// and metadata are its own.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let line: LogLine
    private let destination: LogDestination

    package init(label: String, process: String, level: Logger.Level, destination: LogDestination) {
        self.label = label
        logLevel = level
        line = LogLine(process: process)
        self.destination = destination
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        destination.write(
            line.text(
                level: event.level.rawValue, label: label, message: "\(event.message)",
                metadata: all.mapValues { "\($0)" }))
    }
}

extension LoggingSystem {
    /// Sends every logger of this process to `destination`. Once per process, before the first logger is made.
    package static func bootstrap(process: String, level: Logger.Level, destination: LogDestination) {
        bootstrap { label in
            LineLogHandler(label: label, process: process, level: level, destination: destination)
        }
    }
}

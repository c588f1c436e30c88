/// `statistics:` — what is kept of where things went.
package struct StatisticsEntry: Equatable, Sendable {
    /// The SQLite file; by default in the cluster's state folder.
    package let file: String
    package let retentionDays: Int
    /// Bound of the file, in rows (one row: one minute of one worker or model), whatever the days.
    package let retentionRows: Int
}

extension StatisticsEntry {
    static let keys = ["file", "retention_days", "retention_rows"]

    init(reading section: Section, paths: ClusterPaths) {
        file = section.text("file").map(paths.resolved) ?? paths.statisticsFile
        retentionDays = section.integer("retention_days", in: 1...3650, default: 30, unit: "days")
        retentionRows = section.integer("retention_rows", in: 100...100_000_000, default: 500_000, unit: "rows")
    }
}

package enum LogLevel: String, Equatable, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

/// `log:` — each process writes `logs/NAME.log` in the state folder and rotates it.
package struct LogEntry: Equatable, Sendable {
    package let level: LogLevel
    /// Size at which a file is rotated.
    package let megabytes: Int
    /// Files kept per process, the current one included.
    package let files: Int
}

extension LogEntry {
    static let keys = ["level", "megabytes", "files"]

    init(reading section: Section) {
        level = section.choice("level", default: .info)
        megabytes = section.integer("megabytes", in: 1...1024, default: 8, unit: "MiB")
        files = section.integer("files", in: 1...100, default: 4, unit: "files")
    }
}

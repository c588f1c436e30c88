import Foundation
import GRDB

/// The tables and what is read from and written to them. Functions run inside an access that the store serialises.
struct StatisticsTables: Sendable {
    enum Problem: Error {
        case superseded
        case row(String)
    }

    /// Scopes with sums: the ones written last are kept.
    static let totalsMax = StatisticsRecorder.scopesMax

    let retentionSeconds: UInt64
    let retentionRows: Int

    func migrate(_ database: DatabaseQueue) throws {
        let migrator = Self.migrator
        if try database.read(migrator.hasBeenSuperseded) { throw Problem.superseded }
        try migrator.migrate(database)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: minutes and totals") { database in
            // AUTOINCREMENT: ids grow with time and are never used again, so the oldest rows have the smallest.
            try database.execute(
                sql: """
                    CREATE TABLE minute (
                        id INTEGER PRIMARY KEY AUTOINCREMENT, minute INTEGER NOT NULL, scope TEXT NOT NULL,
                        name TEXT NOT NULL, counters TEXT NOT NULL, latencies TEXT NOT NULL,
                        UNIQUE (minute, scope, name));
                    CREATE TABLE total (
                        scope TEXT NOT NULL, name TEXT NOT NULL, counters TEXT NOT NULL, latencies TEXT NOT NULL,
                        updated INTEGER NOT NULL, PRIMARY KEY (scope, name));
                    CREATE TABLE beginning (id INTEGER PRIMARY KEY CHECK (id = 1), unixSeconds INTEGER NOT NULL);
                    """)
        }
        return migrator
    }
}

// MARK: Reading

extension StatisticsTables {
    /// The sums since the beginning, which is now for a new database.
    func totals(_ database: Database, nowUnixSeconds: UInt64) throws -> StatisticsTotals {
        try database.execute(
            sql: "INSERT OR IGNORE INTO beginning (id, unixSeconds) VALUES (1, ?)", arguments: [Int64(nowUnixSeconds)])
        let since = try Int64.fetchOne(database, sql: "SELECT unixSeconds FROM beginning") ?? Int64(nowUnixSeconds)
        let rows = try Row.fetchCursor(database, sql: "SELECT scope, name, counters, latencies FROM total")
        return StatisticsTotals(sinceUnixSeconds: UInt64(max(0, since)), scopes: try sums(rows))
    }

    /// The sum of the minutes that end after `sinceUnixSeconds`.
    func sums(_ database: Database, sinceUnixSeconds: UInt64) throws -> [StatisticsScope: ScopeRecord] {
        try sums(
            Row.fetchCursor(
                database, sql: "SELECT scope, name, counters, latencies FROM minute WHERE minute >= ?",
                arguments: [Int64(sinceUnixSeconds / 60)]))
    }

    private func sums(_ rows: RowCursor) throws -> [StatisticsScope: ScopeRecord] {
        var sums: [StatisticsScope: ScopeRecord] = [:]
        while let row = try rows.next() {
            guard let scope = StatisticsScope(kind: row["scope"], name: row["name"]) else { continue }
            sums[scope, default: .init()].add(try record(row))
        }
        return sums
    }

    private func record(_ row: Row) throws -> ScopeRecord {
        guard let counters: String = row["counters"], let latencies: String = row["latencies"],
            let record = ScopeRecord(counters: counters, latencies: latencies)
        else { throw Problem.row("a row of counters cannot be read") }
        return record
    }
}

// MARK: Writing

extension StatisticsTables {
    /// Adds a delta to its minute and to the sums, then removes what is beyond retention.
    func add(_ delta: StatisticsStore.Delta, _ database: Database) throws {
        let minute = Int64(delta.unixSeconds / 60)
        for (scope, record) in delta.scopes where !record.isEmpty {
            try add(record, of: scope, minute: minute, database)
            try addTotal(record, of: scope, updated: Int64(delta.unixSeconds), database)
        }
        try retain(database, nowUnixSeconds: delta.unixSeconds)
    }

    private func add(_ delta: ScopeRecord, of scope: StatisticsScope, minute: Int64, _ database: Database) throws {
        let row = try Row.fetchOne(
            database, sql: "SELECT counters, latencies FROM minute WHERE minute = ? AND scope = ? AND name = ?",
            arguments: [minute, scope.kind, scope.name])
        var sum = try row.map(record) ?? ScopeRecord()
        sum.add(delta)
        try database.execute(
            sql: """
                INSERT INTO minute (minute, scope, name, counters, latencies) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (minute, scope, name) DO UPDATE SET counters = excluded.counters, latencies = excluded.latencies
                """,
            arguments: [minute, scope.kind, scope.name, sum.countersText, sum.latenciesText])
    }

    private func addTotal(_ delta: ScopeRecord, of scope: StatisticsScope, updated: Int64, _ database: Database) throws
    {
        let row = try Row.fetchOne(
            database, sql: "SELECT counters, latencies FROM total WHERE scope = ? AND name = ?",
            arguments: [scope.kind, scope.name])
        var sum = try row.map(record) ?? ScopeRecord()
        sum.add(delta)
        try database.execute(
            sql: "INSERT OR REPLACE INTO total (scope, name, counters, latencies, updated) VALUES (?, ?, ?, ?, ?)",
            arguments: [scope.kind, scope.name, sum.countersText, sum.latenciesText, updated])
    }

    private func retain(_ database: Database, nowUnixSeconds: UInt64) throws {
        let oldest = nowUnixSeconds > retentionSeconds ? (nowUnixSeconds - retentionSeconds) / 60 : 0
        try database.execute(sql: "DELETE FROM minute WHERE minute < ?", arguments: [Int64(oldest)])
        try database.execute(
            sql: "DELETE FROM minute WHERE id <= (SELECT max(id) FROM minute) - ?", arguments: [retentionRows])
        try database.execute(
            sql: "DELETE FROM total WHERE rowid IN (SELECT rowid FROM total ORDER BY updated DESC LIMIT -1 OFFSET ?)",
            arguments: [Self.totalsMax])
    }
}

// MARK: Columns

extension ScopeRecord {
    /// JSON, by name: `{"accepted":3}`; zeros are left out.
    fileprivate var countersText: String {
        let values = StatisticsCounter.allCases.compactMap { self[$0] > 0 ? "\"\($0.rawValue)\":\(self[$0])" : nil }
        return "{\(values.joined(separator: ","))}"
    }

    /// JSON, by name, each histogram's bytes in base64; empty ones are left out.
    fileprivate var latenciesText: String {
        let values = StatisticsLatency.allCases.compactMap { latency -> String? in
            self[latency].isEmpty
                ? nil : "\"\(latency.rawValue)\":\"\(Data(self[latency].encoded).base64EncodedString())\""
        }
        return "{\(values.joined(separator: ","))}"
    }

    /// Nil when a column is not what `countersText` and `latenciesText` make. Names that are not known are left out.
    fileprivate init?(counters: String, latencies: String) {
        let decoder = JSONDecoder()
        guard let values = try? decoder.decode([String: UInt64].self, from: Data(counters.utf8)),
            let histograms = try? decoder.decode([String: Data].self, from: Data(latencies.utf8))
        else { return nil }
        self.init()
        for counter in StatisticsCounter.allCases { self[counter] = values[counter.rawValue] ?? 0 }
        for latency in StatisticsLatency.allCases {
            guard let bytes = histograms[latency.rawValue] else { continue }
            guard let histogram = LatencyHistogram(encoded: [UInt8](bytes)) else { return nil }
            self[latency] = histogram
        }
    }
}

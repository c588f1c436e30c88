import Foundation
import GRDB
import Synchronization

/// The history in SQLite: one row per minute and scope, and the sums since the beginning. Deltas come from the
/// recording thread through a bounded hand-over and are written on the database's own queue.
package final class StatisticsStore: Sendable {
    /// Hand-overs that wait for the disk. Beyond it `offer` takes nothing and the recorder keeps what it has.
    package static let pendingMax = 16
    /// Requests for snapshots that wait for the disk.
    package static let requestsMax = 16

    struct Delta: Sendable {
        let unixSeconds: UInt64
        let scopes: [StatisticsScope: ScopeRecord]
    }

    private struct Pending {
        var deltas: [Delta] = []
        var isWriting = false
        var isFailing = false
        var requests = 0
    }

    package let path: String
    /// The sums that this run began with.
    package let totals: StatisticsTotals
    private let database: DatabaseQueue
    private let tables: StatisticsTables
    private let requests = DispatchQueue(label: "skein.statistics.requests", qos: .utility)
    private let pending = Mutex(Pending())
    private let onFailure: @Sendable (StatisticsStoreError) -> Void

    /// Opens or creates the database and reads the sums; blocks for it, at most about a second.
    ///
    /// - Parameters:
    ///   - retentionDays: minutes older than this are removed; the sums are not.
    ///   - retentionRows: the most rows kept, whatever the days.
    ///   - onFailure: told when writing begins to fail, once until it works again. Called on the database's queue.
    package init(
        path: String, retentionDays: Int, retentionRows: Int, nowUnixSeconds: UInt64,
        onFailure: @escaping @Sendable (StatisticsStoreError) -> Void
    ) throws(StatisticsStoreError) {
        let tables = StatisticsTables(
            retentionSeconds: UInt64(retentionDays) * 86_400, retentionRows: retentionRows)
        self.path = path
        self.tables = tables
        self.onFailure = onFailure
        do {
            database = try DatabaseQueue(path: path, configuration: Self.configuration)
            try tables.migrate(database)
            totals = try database.write { try tables.totals($0, nowUnixSeconds: nowUnixSeconds) }
        } catch {
            throw Self.typed(error, path: path, isOpening: true)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(1)
        configuration.label = "skein.statistics"
        return configuration
    }

    /// Takes a delta to write; false, taking nothing, when `pendingMax` wait already.
    package func offer(_ scopes: [StatisticsScope: ScopeRecord], unixSeconds: UInt64) -> Bool {
        let isTaken = pending.withLock { pending in
            guard pending.deltas.count < Self.pendingMax else { return false }
            pending.deltas.append(Delta(unixSeconds: unixSeconds, scopes: scopes))
            return true
        }
        startWriting()
        return isTaken
    }

    /// Waits until everything taken is written, or writing has failed. For the end of the process and for tests.
    package func finish() throws(StatisticsStoreError) {
        do {
            try database.writeWithoutTransaction { try self.writePending($0) }
        } catch {
            throw Self.typed(error, path: path)
        }
    }

    /// The last `windowSeconds`, in whole minutes, plus `unwritten`. Blocks on the disk: not for the recording thread.
    package func snapshot(
        windowSeconds: UInt64, nowUnixSeconds: UInt64, unwritten: [StatisticsScope: ScopeRecord] = [:]
    ) throws(StatisticsStoreError) -> StatisticsSnapshot {
        let since = nowUnixSeconds > windowSeconds ? nowUnixSeconds - windowSeconds : 0
        do {
            var records = try database.writeWithoutTransaction { database in
                try? self.writePending(database)
                return try self.tables.sums(database, sinceUnixSeconds: since)
            }
            for (scope, record) in unwritten { records[scope, default: .init()].add(record) }
            return StatisticsSnapshot(windowSeconds: windowSeconds, sinceUnixSeconds: since, records: records)
        } catch {
            throw Self.typed(error, path: path)
        }
    }

    /// The same off the calling thread: `completion` runs on another. At most `requestsMax` wait; beyond it
    /// `completion` gets `.busy` at once.
    package func requestSnapshot(
        windowSeconds: UInt64, nowUnixSeconds: UInt64, unwritten: [StatisticsScope: ScopeRecord] = [:],
        completion: @escaping @Sendable (Result<StatisticsSnapshot, StatisticsStoreError>) -> Void
    ) {
        let isTaken = pending.withLock { pending in
            guard pending.requests < Self.requestsMax else { return false }
            pending.requests += 1
            return true
        }
        guard isTaken else { return completion(.failure(.busy)) }
        requests.async {
            let result = Result { () throws(StatisticsStoreError) in
                try self.snapshot(windowSeconds: windowSeconds, nowUnixSeconds: nowUnixSeconds, unwritten: unwritten)
            }
            self.pending.withLock { $0.requests -= 1 }
            completion(result)
        }
    }
}

// MARK: Writing

extension StatisticsStore {
    private func startWriting() {
        let isIdle = pending.withLock { pending in
            guard !pending.isWriting, !pending.deltas.isEmpty else { return false }
            pending.isWriting = true
            return true
        }
        guard isIdle else { return }
        database.asyncWriteWithoutTransaction { database in
            repeat { try? self.writePending(database) } while self.goesOnWriting()
        }
    }

    /// Decided under the lock that `offer` appends under: no delta is left behind between the last look and the end.
    private func goesOnWriting() -> Bool {
        pending.withLock { pending in
            pending.isWriting = !pending.deltas.isEmpty && !pending.isFailing
            return pending.isWriting
        }
    }

    /// Writes what waits, oldest first, each delta in one transaction. A delta whose writing fails stays first in line.
    private func writePending(_ database: Database) throws {
        while let delta = pending.withLock({ $0.deltas.first }) {
            do {
                try database.inTransaction {
                    try tables.add(delta, database)
                    return .commit
                }
            } catch {
                report(error)
                throw error
            }
            pending.withLock {
                $0.deltas.removeFirst()
                $0.isFailing = false
            }
        }
    }

    private func report(_ error: any Error) {
        let isNew = pending.withLock { pending in
            defer { pending.isFailing = true }
            return !pending.isFailing
        }
        if isNew { onFailure(Self.typed(error, path: path)) }
    }

    private static func typed(_ error: any Error, path: String, isOpening: Bool = false) -> StatisticsStoreError {
        if let error = error as? StatisticsTables.Problem {
            return switch error {
            case .superseded: .newerSchema(path: path)
            case .row(let reason): .corrupt(path: path, reason: reason)
            }
        }
        guard let error = error as? DatabaseError else { return .failed(path: path, reason: "\(error)") }
        let reason = error.message ?? error.resultCode.description
        return switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt(path: path, reason: reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED: .locked(path: path)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY: .cannotOpen(path: path, reason: reason)
        // A foreign database with a table of our name fails in SQL.
        case .SQLITE_ERROR where isOpening: .corrupt(path: path, reason: reason)
        default: .failed(path: path, reason: reason)
        }
    }
}

import Foundation
import Statistics
import Synchronization
import Testing

/// Failures that a store reported.
private final class Failures: Sendable {
    private let list = Mutex<[StatisticsStoreError]>([])
    var all: [StatisticsStoreError] { list.withLock { $0 } }
    func append(_ error: StatisticsStoreError) { list.withLock { $0.append(error) } }
}

private func store(
    _ path: String, days: Int = 30, rows: Int = 1000, now: UInt64 = 6000, failures: Failures = Failures()
) throws -> StatisticsStore {
    try StatisticsStore(
        path: path, retentionDays: days, retentionRows: rows, nowUnixSeconds: now, onFailure: failures.append)
}

/// Runs Python's sqlite3, somebody else's reader and writer of the same file format.
private func python(_ script: String, _ path: String, wait: Bool = true) throws -> (process: Process, output: Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
        "python3", "-c", "import sqlite3, sys, time\ndb = sqlite3.connect(sys.argv[1])\n" + script, path,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    if wait {
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
    return (process, output)
}

@Suite("Statistics: history")
struct StatisticsStoreTests {
    /// One answered query with two latencies, on worker a.
    private func work(_ recorder: inout StatisticsRecorder) {
        recorder.count(.answered, worker: "a", model: "m")
        recorder.record(.total, microseconds: 5000, worker: "a", model: "m")
        recorder.record(.total, microseconds: 80_000, worker: "a", model: "m")
    }

    @Test func sumsSurviveARestart() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            var snapshots: [StatisticsSnapshot] = []
            for run in 0..<3 {
                let store = try store(path, now: 6000 + UInt64(run) * 1000)
                var recorder = StatisticsRecorder(history: store.totals)
                work(&recorder)
                recorder.handOver(to: store, nowUnixSeconds: 6000 + UInt64(run) * 1000)
                work(&recorder)
                recorder.handOver(to: store, nowUnixSeconds: 6100 + UInt64(run) * 1000)
                try store.finish()
                snapshots.append(recorder.snapshot())
            }
            let last = try #require(snapshots.last)
            #expect(last.sinceUnixSeconds == 6000)
            #expect(last.scope(.worker("a"))?[.answered] == 6)
            #expect(last.scope(.cluster)?[.total]?.count == 12)

            // What a fourth run begins with is what the third one showed.
            let again = StatisticsRecorder(history: try store(path, now: 9999).totals)
            #expect(again.snapshot() == last)
        }
    }

    @Test func aWindowSumsItsMinutes() throws {
        try withFolder { folder in
            let store = try store(folder + "/s.sqlite")
            var recorder = StatisticsRecorder(history: store.totals)
            for minute in 0..<10 {
                for _ in 0...minute { work(&recorder) }
                recorder.handOver(to: store, nowUnixSeconds: 6000 + 60 * UInt64(minute))
                // Twice in the same minute: the row is added to.
                work(&recorder)
                recorder.handOver(to: store, nowUnixSeconds: 6000 + 60 * UInt64(minute) + 30)
                // A busy disk would refuse the hand-overs beyond its bound, and they would count in a later minute.
                try store.finish()
            }
            // Minutes 8 and 9 of 1...10 queries, one more in each.
            let window = try store.snapshot(windowSeconds: 100, nowUnixSeconds: 6000 + 9 * 60 + 59)
            #expect(window.windowSeconds == 100)
            #expect(window.scope(.cluster)?[.answered] == 10 + 11)
            #expect(window.scope(.model("m"))?[.total]?.count == 2 * 21)
            let everything = try store.snapshot(windowSeconds: 1_000_000, nowUnixSeconds: 6600)
            let shown = recorder.snapshot()
            #expect(everything.scopes == shown.scopes)
            #expect(try store.snapshot(windowSeconds: 60, nowUnixSeconds: 20_000).scopes.isEmpty)
        }
    }

    @Test func aRequestedWindowHoldsWhatIsRecentOnce() async throws {
        let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try store(folder + "/s.sqlite")
        var recorder = StatisticsRecorder(history: store.totals)
        work(&recorder)
        let snapshot = try await withCheckedThrowingContinuation { continuation in
            recorder.requestSnapshot(windowSeconds: 60, from: store, nowUnixSeconds: 6010) {
                continuation.resume(with: $0)
            }
        }
        #expect(snapshot.scope(.cluster)?[.answered] == 1)
    }

    @Test func oldMinutesGoAndSumsStay() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            let store = try store(path, days: 2)
            var recorder = StatisticsRecorder(history: store.totals)
            for day in 0..<10 {
                work(&recorder)
                recorder.handOver(to: store, nowUnixSeconds: 6000 + 86_400 * UInt64(day))
            }
            try store.finish()
            let now: UInt64 = 6000 + 86_400 * 9
            let window = try store.snapshot(windowSeconds: now, nowUnixSeconds: now)
            #expect(window.scope(.cluster)?[.answered] == 3)
            #expect(try totals(path).scope(.cluster)?[.answered] == 10)
        }
    }

    private func totals(_ path: String) throws -> StatisticsSnapshot {
        StatisticsRecorder(history: try store(path).totals).snapshot()
    }

    @Test func rowsAreBounded() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            let store = try store(path, rows: 100)
            var recorder = StatisticsRecorder(history: store.totals)
            for minute in 0..<200 {
                work(&recorder)
                while !recorder.handOver(to: store, nowUnixSeconds: 6000 + 60 * UInt64(minute)) { try store.finish() }
            }
            try store.finish()
            let rows = try python("print(db.execute('select count(*), max(minute) from minute').fetchone())", path)
            #expect(String(decoding: rows.output.fileHandleForReading.availableData, as: UTF8.self) == "(100, 299)\n")
        }
    }

    @Test func anotherReaderFindsPlainSQLite() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            let store = try store(path)
            var recorder = StatisticsRecorder(history: store.totals)
            work(&recorder)
            recorder.handOver(to: store, nowUnixSeconds: 6000)
            try store.finish()
            let rows = try python(
                "print(db.execute(\"select counters from total where scope = 'worker' and name = 'a'\").fetchall())",
                path)
            let text = String(decoding: rows.output.fileHandleForReading.availableData, as: UTF8.self)
            #expect(text == "[('{\"answered\":1}',)]\n")
        }
    }

    // MARK: What goes wrong

    @Test func aFileThatIsNoDatabase() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            try String(repeating: "not a database ", count: 1000).write(toFile: path, atomically: true, encoding: .utf8)
            let error = try #require(throws: StatisticsStoreError.self) { _ = try store(path) }
            guard case .corrupt = error else { throw error }
            #expect(error.description.contains("move it away"))
        }
    }

    @Test func aDamagedDatabase() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            do {
                let store = try store(path)
                var recorder = StatisticsRecorder(history: store.totals)
                for minute in 0..<50 {
                    work(&recorder)
                    while !recorder.handOver(to: store, nowUnixSeconds: 6000 + 60 * UInt64(minute)) {
                        try store.finish()
                    }
                }
                try store.finish()
            }
            _ = try python("db.execute('pragma wal_checkpoint(truncate)')", path)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            // The schema page stays; every other page is overwritten.
            for index in 4096..<bytes.count { bytes[index] = 0xAA }
            try bytes.write(to: URL(fileURLWithPath: path))
            let error = try #require(throws: StatisticsStoreError.self) { _ = try store(path) }
            guard case .corrupt = error else { throw error }
        }
    }

    @Test(arguments: ["update total set latencies = '{\"total\": \"AgEB\"}'", "update total set counters = 'x'"])
    func aRowThatCannotBeRead(statement: String) throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            do {
                let store = try store(path)
                var recorder = StatisticsRecorder(history: store.totals)
                work(&recorder)
                recorder.handOver(to: store, nowUnixSeconds: 6000)
                try store.finish()
            }
            let literal = statement.replacing("\"", with: "\\\"")
            _ = try python("db.execute(\"\(literal)\"); db.commit()", path)
            let error = try #require(throws: StatisticsStoreError.self) { _ = try store(path) }
            guard case .corrupt = error else { throw error }
        }
    }

    @Test func aLaterSchema() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            _ = try store(path)
            _ = try python("db.execute(\"insert into grdb_migrations values ('2: later')\"); db.commit()", path)
            #expect(throws: StatisticsStoreError.newerSchema(path: path)) { _ = try store(path) }
        }
    }

    @Test func aFolderThatIsNotThere() throws {
        let path = "/nonexistent/s.sqlite"
        let error = try #require(throws: StatisticsStoreError.self) { _ = try store(path) }
        guard case .cannotOpen = error else { throw error }
    }

    /// A locked database fails loudly once, loses nothing, and catches up when it is free again.
    @Test func aLockedDatabaseLosesNothing() throws {
        try withFolder { folder in
            let path = folder + "/s.sqlite"
            let failures = Failures()
            let store = try store(path, failures: failures)
            var recorder = StatisticsRecorder(history: store.totals)
            let holder = try python(
                "db.isolation_level = None; db.execute('begin immediate'); print('held', flush=True); time.sleep(60)",
                path, wait: false)
            // Not terminate(): a child of a dispatch thread inherits its blocked SIGTERM.
            defer { kill(holder.process.processIdentifier, SIGKILL) }
            _ = holder.output.fileHandleForReading.availableData

            work(&recorder)
            let isTaken = recorder.handOver(to: store, nowUnixSeconds: 6000)
            #expect(isTaken)
            #expect(throws: StatisticsStoreError.locked(path: path)) { try store.finish() }
            var refusals = 0
            for _ in 0..<(StatisticsStore.pendingMax + 5) {
                work(&recorder)
                if !recorder.handOver(to: store, nowUnixSeconds: 6060) { refusals += 1 }
            }
            #expect(refusals >= 5)
            #expect(failures.all == [.locked(path: path)])

            kill(holder.process.processIdentifier, SIGKILL)
            holder.process.waitUntilExit()
            try store.finish()
            let isTakenAgain = recorder.handOver(to: store, nowUnixSeconds: 6120)
            #expect(isTakenAgain)
            try store.finish()
            let shown = recorder.snapshot()
            #expect(shown.scope(.cluster)?[.answered] == UInt64(StatisticsStore.pendingMax) + 6)
            #expect(try totals(path).scopes == shown.scopes)
        }
    }
}

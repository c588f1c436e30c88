/// All queries that have not ended, with what is counted over them.
struct QueryTable: Sendable {
    private var records: [QueryKey: QueryRecord] = [:]
    private(set) var shares = Shares()
    /// Over all records, for `promptTokensTotalMax`.
    private(set) var promptTokens = 0
    private var accepted: UInt64 = 0

    /// Of these, the branches: they belong to queries that are counted already.
    private(set) var branches = 0

    /// What clients asked.
    var count: Int { records.count - branches }

    /// Reading and mutating in place; a missing key reads nil. Phases change through `setPhase` only, so that the
    /// shares stay true.
    subscript(key: QueryKey) -> QueryRecord? {
        get { records[key] }
        _modify { yield &records[key] }
    }

    /// In the order of acceptance: a dictionary's own order differs from run to run.
    var keys: [QueryKey] { records.values.sorted { $0.order < $1.order }.map(\.key) }

    /// In no order that means anything: for counting.
    var unordered: some Collection<QueryRecord> { records.values }

    mutating func insert(_ make: (_ order: UInt64) -> QueryRecord) {
        accepted += 1
        let record = make(accepted)
        records[record.key] = record
        guard !record.key.isBranch else { return branches += 1 }
        shares.change(record.key.identity, live: 1, waiting: 1)
    }

    mutating func setPrompt(_ prompt: [Int32], of key: QueryKey) {
        promptTokens += prompt.count - (records[key]?.prompt.count ?? 0)
        records[key]?.prompt = prompt
        records[key]?.promptTokenMax = prompt.max() ?? 0
    }

    mutating func setPhase(_ phase: QueryRecord.Phase, of key: QueryKey) {
        guard let record = records[key] else { return }
        let (wasRunning, wasWaiting) = (record.isRunning, !key.isBranch && !record.wasDispatched)
        records[key]?.phase = phase
        guard records[key]?.isRunning == true else {
            return shares.change(key.identity, running: wasRunning ? -1 : 0)
        }
        shares.change(key.identity, waiting: wasWaiting ? -1 : 0, running: wasRunning ? 0 : 1)
    }

    mutating func updateInPlace(_ key: QueryKey, _ change: (inout QueryRecord) -> Void) {
        guard let index = records.index(forKey: key) else { return }
        change(&records.values[index])
    }

    mutating func remove(_ key: QueryKey) -> QueryRecord? {
        guard let record = records.removeValue(forKey: key) else { return nil }
        promptTokens -= record.prompt.count
        let running = record.isRunning ? -1 : 0
        if key.isBranch {
            branches -= 1
            shares.change(key.identity, running: running)
        } else {
            shares.change(key.identity, live: -1, waiting: record.wasDispatched ? 0 : -1, running: running)
        }
        return record
    }

    /// Applies a change to every record; no order is promised, so the change must not depend on one.
    mutating func updateAll(_ change: (inout QueryRecord) -> Void) {
        for index in records.values.indices { change(&records.values[index]) }
    }
}

extension QueryRecord {
    var isRunning: Bool {
        switch phase {
        case .running, .calling: true
        case .preparing, .queued, .fanned: false
        }
    }
}

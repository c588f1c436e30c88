/// The workers, by name and by connection. Kept sorted by name: every walk over them has one order.
struct WorkerTable: Sendable {
    private(set) var records: [WorkerRecord] = []
    private var names: [WorkerConnection: String] = [:]

    var count: Int { records.count }

    /// In place: a record is large, and a copy of one retains all it holds.
    func hasAny(_ isWanted: (borrowing WorkerRecord) -> Bool) -> Bool {
        records.indices.contains { isWanted(records[$0]) }
    }

    func index(of name: String) -> Int? {
        let index = insertionIndex(of: name)
        return index < records.count && records[index].name == name ? index : nil
    }

    func index(of connection: WorkerConnection) -> Int? {
        names[connection].flatMap { index(of: $0) }
    }

    func name(of connection: WorkerConnection) -> String? { names[connection] }

    subscript(index: Int) -> WorkerRecord {
        get { records[index] }
        _modify { yield &records[index] }
    }

    /// Inserts, or takes the place of the record with this name.
    mutating func put(_ record: WorkerRecord) {
        if let index = index(of: record.name) {
            if let connection = records[index].connection { names[connection] = nil }
            records[index] = record
        } else {
            records.insert(record, at: insertionIndex(of: record.name))
        }
        if let connection = record.connection { names[connection] = record.name }
    }

    mutating func disconnect(_ index: Int) {
        if let connection = records[index].connection { names[connection] = nil }
        records[index].connection = nil
    }

    mutating func remove(_ name: String) {
        guard let index = index(of: name) else { return }
        disconnect(index)
        records.remove(at: index)
    }

    private func insertionIndex(of name: String) -> Int {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if records[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Several nodes that answer one query at once. Each is a branch: a query of its own, under the client's id, with the client's deadline.
struct Fan: Sendable {
    enum Result: Sendable {
        case answered(AnswerPart)
        case failed(Failure)
    }

    let how: Reassembly
    /// By place; nil: it runs.
    private var results: [Result?]
    /// The ways of those that have ended.
    private var walks: [Int: Walk] = [:]

    init(_ how: Reassembly, branches: Int) {
        self.how = how
        results = Array(repeating: nil, count: branches)
    }

    var places: Range<Int> { results.indices }
    var isOver: Bool { results.allSatisfy { $0 != nil } }

    func isRunning(_ key: QueryKey) -> Bool {
        let place = Int(key.branch) - 1
        return places.contains(place) && results[place] == nil
    }

    mutating func end(_ place: Int, _ result: Result, _ walk: Walk) {
        results[place] = result
        walks[place] = walk
    }

    /// In the order of the nodes, whichever came first.
    var parts: [AnswerPart] { results.compactMap { if case .answered(let part) = $0 { part } else { nil } } }
    var failures: [Failure] { results.compactMap { if case .failed(let failure) = $0 { failure } else { nil } } }
    var waysGone: [Walk] { places.compactMap { walks[$0] } }
}

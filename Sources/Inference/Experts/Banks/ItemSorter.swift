/// Brings the items of one linear from the order of rows into ascending (expert, row).
struct ItemSorter {
    private var rows: [Int32] = []
    private var experts: [Int32] = []
    private var weights: [Float] = []
    private var heads: [Int] = []
    private var nexts: [Int32] = []
    private var tails: [Int] = []

    mutating func begin(experts count: Int) {
        rows.removeAll(keepingCapacity: true)
        experts.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
        nexts.removeAll(keepingCapacity: true)
        if heads.count != count {
            heads = Array(repeating: -1, count: count)
            tails = Array(repeating: -1, count: count)
        } else {
            for expert in heads.indices { heads[expert] = -1 }
        }
    }

    @inline(__always)
    mutating func append(row: Int, expert: Int32, weight: Float) {
        let index = rows.count
        rows.append(Int32(row))
        experts.append(expert)
        weights.append(weight)
        nexts.append(-1)
        let place = Int(expert)
        if heads[place] < 0 { heads[place] = index } else { nexts[tails[place]] = Int32(index) }
        tails[place] = index
    }

    func holds(_ expert: Int) -> Bool { heads[expert] >= 0 }

    /// The expert's items, ascending in row, into the pair that is begun.
    func append(_ expert: Int, to routing: GroupRouting) {
        var index = heads[expert]
        while index >= 0 {
            routing.appendItem(row: rows[index], weight: weights[index])
            index = Int(nexts[index])
        }
    }
}

/// The candidate that `name` was probably meant to be: at most a third of its letters (and at least one, at most
/// three) inserted, deleted or replaced. Nil when nothing is that near.
func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let distanceMax = max(1, min(3, name.count / 3))
    let ranked = candidates.map { (name: $0, distance: editDistance(name, $0)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= distanceMax else { return nil }
    return best.name
}

/// "; did you mean `x`?" or nothing: the tail of a message about an unknown name.
func suggestion(for name: String, among candidates: some Sequence<String>) -> String {
    nearestName(to: name, among: candidates).map { "; did you mean `\($0)`?" } ?? ""
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of two neighbours. Names are short;
/// anything longer than 100 letters is far from all.
private func editDistance(_ first: String, _ second: String) -> Int {
    let a = Array(first.lowercased())
    let b = Array(second.lowercased())
    guard a.count <= 100, b.count <= 100 else { return .max }
    // rows[i][j]: from the first i letters of a to the first j of b.
    var rows = [Array(0...b.count)]
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}

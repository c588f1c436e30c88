/// Keys and values of prompts that are likely to be continued: a master decides, and then words the query from where it stands.
///
/// Keys and values of a position depend on the tokens before it alone, to the bit (P1), so whoever goes on from them gets what a prefill
/// would have given. Each is used once: the sequence that goes on writes behind it.
struct KeptPrefixes: Sendable {
    struct Prefix: Sendable {
        let tokens: [Int32]
        let route: RouteRequest?
        let pages: [Int32]
    }

    let countMax: Int
    /// Oldest first.
    private var prefixes: [Prefix] = []

    init(countMax: Int) { self.countMax = countMax }

    var pages: Int { prefixes.reduce(0) { $0 + $1.pages.count } }

    /// - Returns: what had to go for it.
    mutating func add(_ prefix: Prefix) -> [Prefix] {
        prefixes.append(prefix)
        guard prefixes.count > countMax else { return [] }
        return [prefixes.removeFirst()]
    }

    mutating func takeOldest() -> Prefix? { prefixes.isEmpty ? nil : prefixes.removeFirst() }

    /// The longest that the sequence goes on from, taken out.
    mutating func take(for sequence: Sequence) -> Prefix? {
        let fitting = prefixes.indices.filter { index in
            let prefix = prefixes[index]
            return prefix.tokens.count <= sequence.tokens.count && prefix.route == sequence.route
                && sequence.tokens.starts(with: prefix.tokens)
        }
        let longest = fitting.max { prefixes[$0].tokens.count < prefixes[$1].tokens.count }
        return longest.map { prefixes.remove(at: $0) }
    }
}

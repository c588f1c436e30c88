import Routing

/// The texts of running queries, and how to make the text of ended ones again for a replay. Bounded.
struct AnswerBook {
    private var texts: [QueryKey: AnswerText] = [:]
    private var styles: [QueryKey: AnswerStyle] = [:]
    /// Ended queries whose style is kept, oldest first.
    private var ended: [QueryKey] = []
    private let endedMax: Int

    init(endedMax: Int) { self.endedMax = endedMax }

    mutating func remember(_ key: QueryKey, _ style: AnswerStyle) { styles[key] = style }

    /// Another node answers: nothing has been said.
    mutating func restart(_ key: QueryKey, _ style: AnswerStyle) {
        texts[key] = nil
        styles[key] = style
    }

    func style(of key: QueryKey) -> AnswerStyle? { styles[key] }

    /// Whether tokens have come and the query has not ended.
    func isUnderWay(_ key: QueryKey) -> Bool { texts[key] != nil }

    /// Changes the text of a query that has not ended; nil when there is no such query.
    mutating func update<Result>(_ key: QueryKey, _ body: (inout AnswerText) -> Result) -> Result? {
        guard let style = styles[key] else { return nil }
        return body(&texts[key, default: AnswerText(style)])
    }

    /// A branch has become its query, and what it said so far is the query's.
    mutating func adopt(_ key: QueryKey, from branch: QueryKey) {
        (texts[key], styles[key]) = (texts[branch], styles[branch])
        dropBranch(branch)
    }

    mutating func dropBranch(_ key: QueryKey) { (texts[key], styles[key]) = (nil, nil) }

    mutating func end(_ key: QueryKey) {
        texts[key] = nil
        guard styles[key] != nil else { return }
        ended.append(key)
        if ended.count > endedMax { drop(ended.removeFirst()) }
    }

    /// Of a query that was never taken on, or is no longer retained.
    mutating func drop(_ key: QueryKey) {
        if texts[key] == nil { styles[key] = nil }
    }
}

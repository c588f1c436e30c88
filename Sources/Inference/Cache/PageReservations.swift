/// How many pages of the key/value cache are promised. Pure accounting: which pages they are is `KeyValuePages`' affair.
///
/// A sequence is promised all the pages that it can ever need when it is admitted, so a running sequence never runs out.
package struct PageReservations: Sendable {
    package let pageTokens: Int
    package let pagesMax: Int
    package private(set) var reserved = 0

    package init(pagesMax: Int, pageTokens: Int) {
        precondition(pagesMax > 0 && pageTokens > 0, "\(pagesMax) pages of \(pageTokens) tokens")
        self.pageTokens = pageTokens
        self.pagesMax = pagesMax
    }

    package var available: Int { pagesMax - reserved }

    /// Pages that hold `tokens` tokens.
    package func pages(for tokens: Int) -> Int { (tokens + pageTokens - 1) / pageTokens }

    /// False, and nothing reserved, when there are too few.
    package mutating func reserve(_ count: Int) -> Bool {
        guard count <= available else { return false }
        reserved += count
        return true
    }

    package mutating func release(_ count: Int) {
        precondition(count <= reserved, "\(count) pages released of \(reserved) reserved")
        reserved -= count
    }
}

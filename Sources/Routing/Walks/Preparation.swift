/// What the shell encodes of a query that it keeps.
package enum Preparation: Hashable, Sendable {
    /// The prompt as it came.
    case query
    /// The query as it is put to the master of this node.
    case decision(master: String)
    /// The query for the node that answers it, where there are such in the words that a master generated.
    case answer(node: String, rewrite: Rewrite?)

    package struct Rewrite: Hashable, Sendable {
        package var master: String
        package var tokens: [Int32]

        package init(master: String, tokens: [Int32]) {
            self.master = master
            self.tokens = tokens
        }
    }
}

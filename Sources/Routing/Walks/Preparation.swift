/// What the shell encodes of a query that it keeps.
package enum Preparation: Hashable, Sendable {
    /// The prompt as it came.
    case query
    /// The query as it is put to the master of this node.
    case decision(master: String)
    /// The query for the node that answers it, where there are such in the words of the node that named it.
    case answer(node: String, rewrite: Rewrite?)

    package struct Rewrite: Hashable, Sendable {
        package var author: String
        package var tokens: [Int32]

        package init(author: String, tokens: [Int32]) {
            self.author = author
            self.tokens = tokens
        }
    }
}

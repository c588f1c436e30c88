/// How a query is put to a master: the model's own chat form, with this system message and the query as the only turn. The functional token
/// is the first of the answer; where there is a rewrite it follows as an argument, `("…")`, and the token that ends a turn ends it.
///
/// One place for whoever trains a master and whoever asks one: another wording would be another input.
package enum MasterPrompt {
    /// After Octopus v4 (arXiv 2404.19296): one line, and no list of nodes, whose descriptions live in the weights.
    package static let system = "You are a router. Name the node that answers the query."

    package static func messages(for query: String) -> [ChatMessage] {
        [ChatMessage(.system, system), ChatMessage(.user, query)]
    }
}

/// A layer's gate, its capacity or its inputs that cannot be used.
package struct LayerGateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong: "topK", "logits", "capacity factor".
    package let field: String
    /// A predicate that says what to do: "is 9; use 1 to 8".
    package let problem: String

    package init(field: String, problem: String) {
        self.field = field
        self.problem = problem
    }

    package var description: String { "layer gate: \(field) \(problem)" }
}

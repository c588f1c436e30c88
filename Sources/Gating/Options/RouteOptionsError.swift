/// A route option that cannot be used.
package struct RouteOptionsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name of the option in `RouteOptions`.
    package let field: String
    /// What is wrong with it and what to do, a predicate: "is 0; use 1 to 512".
    package let problem: String

    package init(field: String, problem: String) {
        self.field = field
        self.problem = problem
    }

    package var description: String { "route option \(field) \(problem)" }
}

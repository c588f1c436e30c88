/// A matrix that cannot be decomposed. `what` names the argument.
package enum LinearAlgebraError: Error, Sendable, Equatable {
    /// An element that is NaN or infinite.
    case notFinite(what: String, row: Int, column: Int)
    /// Widths that do not fit, or a matrix that is empty or too large.
    case shape(what: String, problem: String)
    /// The routine of LAPACK did not converge, or refused an argument: its name and its info.
    case failed(routine: String, info: Int)
}

extension LinearAlgebraError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFinite(let what, let row, let column):
            "\(what) holds a number that is not finite at row \(row), column \(column); the file it came from is damaged"
        case .shape(let what, let problem): "\(what) \(problem)"
        case .failed(let routine, let info):
            "\(routine) of LAPACK gave info \(info); below 0 an argument was refused, above 0 it did not converge"
        }
    }
}

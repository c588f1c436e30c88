/// What a launcher does and sees, as it happens.
package enum LaunchEvent: Equatable, Sendable, CustomStringConvertible {
    case started(name: String, processID: Int32)
    /// `lastLine`: of what it wrote to its output and errors, where it says why.
    case ended(name: String, ending: ProcessEnding, lastLine: String?)
    case restarting(name: String, afterMilliseconds: Int)
    /// Too many quick failures in a row.
    case gaveUp(name: String, failures: Int, logFile: String)
    case stopping
    /// It did not end in time after SIGTERM.
    case killing(name: String)
    case stopped

    package var description: String {
        switch self {
        case .started(let name, let processID): "\(name) started (process \(processID))"
        case .ended(let name, let ending, let lastLine):
            "\(name) \(ending)\(lastLine.map { ": \($0)" } ?? "")"
        case .restarting(let name, let milliseconds): "\(name) is started again in \(milliseconds) ms"
        case .gaveUp(let name, let failures, let logFile):
            "GAVE UP on \(name): it ended \(failures) times in a row soon after its start; see \(logFile)"
        case .stopping: "stopping"
        case .killing(let name): "\(name) did not end in time and is killed"
        case .stopped: "stopped"
        }
    }
}

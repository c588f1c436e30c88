/// One local entry of a topology, as the launcher sees it.
struct SupervisedProcess {
    enum State {
        case running(ProcessIdentity, sinceMilliseconds: Int)
        case waiting(untilMilliseconds: Int)
        case gaveUp(reason: String)
        /// Ended and not to be started again: the launcher is stopping.
        case ended
    }

    let name: String
    let arguments: [String]
    let output: OutputFile
    var state = State.waiting(untilMilliseconds: 0)
    var failures = 0
    var starts = 0
    /// "it exited with code 1: no such model", say.
    var lastEnding: String?
    /// Size of the output file at the last start: what it wrote since is its own.
    var outputStart = 0

    var identity: ProcessIdentity? {
        if case .running(let identity, _) = state { identity } else { nil }
    }
}

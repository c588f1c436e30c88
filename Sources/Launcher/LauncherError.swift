/// Why a cluster could not be launched or stopped.
package enum LauncherError: Error, Equatable, CustomStringConvertible {
    /// Another launcher runs this topology.
    case alreadyLaunched(cluster: String, topology: String, processID: Int32?)
    /// Processes of a launcher that is gone still run.
    case leftovers(cluster: String, topology: String, names: [String])
    /// A process that the cluster cannot do without ended too often in a row.
    case gaveUp(name: String, reason: String, logFile: String)
    /// A detached launcher ended before its cluster was ready. `code`: its exit code, nil where it had none.
    case detachedEnded(reason: String, code: Int32?, logFile: String)
    /// Processes were still there after SIGKILL: they hang in the kernel.
    case unstoppable(names: [String])
    /// The folders cannot be used.
    case folders(String)
    case system(what: String, reason: String)

    package var description: String {
        switch self {
        case .alreadyLaunched(let cluster, let topology, let processID):
            "cluster \(cluster) is already launched\(processID.map { " (process \($0))" } ?? ""); "
                + "stop it first: skein stop \(topology)"
        case .leftovers(let cluster, let topology, let names):
            "cluster \(cluster): its launcher is gone, but \(names.joined(separator: ", ")) still run; "
                + "end them first: skein stop \(topology)"
        case .gaveUp(let name, let reason, let logFile):
            "\(name) ended too often in a row and is not started again: \(reason); see \(logFile)"
        case .detachedEnded(let reason, _, let logFile):
            "the cluster did not start: \(reason); see \(logFile)"
        case .unstoppable(let names):
            "\(names.joined(separator: ", ")) did not end, not even by SIGKILL; they hang in the kernel, look at dmesg"
        case .folders(let reason): reason
        case .system(let what, let reason): "\(what) failed: \(reason)"
        }
    }
}

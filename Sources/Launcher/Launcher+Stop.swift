import Foundation
import Topology

extension Launcher {
    /// What `stop` found.
    package enum StopResult: Equatable, Sendable {
        /// Nothing of this cluster ran.
        case nothingRan
        /// The names of what ended: "launcher", "router", workers, or "process N" for one that no record names.
        case stopped([String])
    }

    /// Ends everything of the cluster, whether its launcher runs, hangs, or was killed: the launcher first, which ends
    /// its children in order; then whatever is still there. A recorded process is only touched if it is the very one
    /// that was recorded, never a later one with its number.
    package static func stop(
        _ topology: ClusterTopology, options: LaunchOptions = LaunchOptions(), onEvent: (LaunchEvent) -> Void = { _ in }
    ) throws(LauncherError) -> StopResult {
        let found = members(of: topology)
        guard !found.isEmpty else {
            clear(topology)
            return .nothingRan
        }
        onEvent(.stopping)
        let launcher = found.filter { $0.name == "launcher" }
        let patience = options.drainMilliseconds + options.stopMilliseconds + 5000
        end(launcher, withinMilliseconds: patience, options, onEvent)
        // With the launcher gone nothing is started again. The router drains before its workers go.
        let router = members(of: topology).filter { $0.name == "router" }
        end(router, withinMilliseconds: options.drainMilliseconds, options, onEvent)
        end(members(of: topology), withinMilliseconds: options.stopMilliseconds, options, onEvent)
        let left = members(of: topology)
        guard left.isEmpty else { throw .unstoppable(names: left.map(\.name)) }
        clear(topology)
        onEvent(.stopped)
        return .stopped(found.map(\.name))
    }

    private typealias Member = (name: String, identity: ProcessIdentity)

    /// The live processes of the cluster: those recorded, and those that carry its mark.
    private static func members(of topology: ClusterTopology) -> [Member] {
        let recorded = ProcessRecords(topology.paths).all().compactMap { record -> Member? in
            guard let identity = record.identity, identity.isAlive else { return nil }
            return (record.name, identity)
        }
        let marked = ProcessTable.processes(withEnvironment: "\(marker)=\(topology.paths.state)")
        // A child of a member is in its session and ends with its process group: only leaders are listed.
        let leaders = Set(recorded.map(\.identity.processID)).union(marked.map(\.processID))
        let unrecorded = marked.filter { identity in
            let session = getsid(identity.processID)
            let isLeader = session == identity.processID || (session > 0 && !leaders.contains(session))
            return isLeader && !recorded.contains { $0.identity == identity }
        }
        return recorded + unrecorded.map { (name: "process \($0.processID)", identity: $0) }
    }

    private static func end(
        _ members: [Member], withinMilliseconds bound: Int, _ options: LaunchOptions, _ onEvent: (LaunchEvent) -> Void
    ) {
        members.forEach { $0.identity.send(SIGTERM) }
        if waitForEnds(members, withinMilliseconds: bound, options) { return }
        for member in members where member.identity.isAlive {
            onEvent(.killing(name: member.name))
            member.identity.send(SIGKILL)
        }
        _ = waitForEnds(members, withinMilliseconds: 2000, options)
    }

    private static func waitForEnds(_ members: [Member], withinMilliseconds bound: Int, _ options: LaunchOptions)
        -> Bool
    {
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(bound)
        while members.contains(where: \.identity.isAlive) {
            if clock.now >= deadline { return false }
            usleep(UInt32(options.pollMilliseconds) * 1000)
        }
        return true
    }

    private static func clear(_ topology: ClusterTopology) {
        let records = ProcessRecords(topology.paths)
        records.all().forEach { records.remove($0.name) }
        topology.paths.removeSockets()
    }
}

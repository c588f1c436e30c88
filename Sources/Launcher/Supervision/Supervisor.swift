import Foundation
import Topology

/// Starts the local entries of a topology and keeps them running until it is asked to stop. One thread, its caller's.
struct Supervisor {
    private let topology: ClusterTopology
    private let options: LaunchOptions
    private let records: ProcessRecords
    private let onEvent: (LaunchEvent) -> Void
    private let clock = ContinuousClock()
    private let begin: ContinuousClock.Instant
    private var processes: [SupervisedProcess]

    init(topology: ClusterTopology, options: LaunchOptions, onEvent: @escaping (LaunchEvent) -> Void) {
        self.topology = topology
        self.options = options
        self.onEvent = onEvent
        records = ProcessRecords(topology.paths)
        begin = clock.now
        let router = SupervisedProcess(
            name: "router", arguments: ["router", "--topology", topology.path],
            output: OutputFile(path: topology.paths.outputFile("router")))
        processes =
            [router]
            + topology.localWorkers.map { worker in
                SupervisedProcess(
                    name: worker.name, arguments: ["worker", "--topology", topology.path, "--name", worker.name],
                    output: OutputFile(path: topology.paths.outputFile(worker.name)))
            }
    }

    /// Returns when everything has ended after `isStopRequested` became true; throws when it had to give up on the
    /// router, or on every worker: then it has ended the rest.
    mutating func run(isStopRequested: () -> Bool) throws(LauncherError) {
        var failure: LauncherError?
        var polls = 0
        while failure == nil, !isStopRequested() {
            for index in processes.indices {
                look(at: index)
                do { try startIfDue(index) } catch { failure = error }
            }
            failure = failure ?? givenUp
            polls += 1
            if polls % 100 == 0 { processes.forEach { $0.output.bound() } }
            pause()
        }
        try stop()
        if let failure { throw failure }
    }

    private func pause() {
        usleep(UInt32(options.pollMilliseconds) * 1000)
    }

    private var nowMilliseconds: Int {
        Int((clock.now - begin) / .milliseconds(1))
    }
}

// MARK: Starting and restarting

extension Supervisor {
    private mutating func startIfDue(_ index: Int) throws(LauncherError) {
        guard case .waiting(let until) = processes[index].state, nowMilliseconds >= until else { return }
        let process = processes[index]
        process.output.bound()
        processes[index].outputStart = process.output.bytes
        var environment = ProcessInfo.processInfo.environment
        environment[Launcher.marker] = topology.paths.state
        let child = try spawn(
            options.executable, arguments: process.arguments, environment: environment, outputFile: process.output.path)
        processes[index].starts += 1
        guard let identity = ProcessIdentity(of: child) else {
            // Already a zombie: reaped and judged like any other end.
            ended(index, child: child, ranMilliseconds: 0)
            return
        }
        processes[index].state = .running(identity, sinceMilliseconds: nowMilliseconds)
        try write(index)
        onEvent(.started(name: process.name, processID: child))
    }

    private mutating func look(at index: Int) {
        guard case .running(let identity, let since) = processes[index].state else { return }
        guard let ending = ProcessEnding.reap(identity.processID) else { return }
        judge(index, ending, ranMilliseconds: nowMilliseconds - since)
    }

    private mutating func ended(_ index: Int, child: Int32, ranMilliseconds: Int) {
        while true {
            if let ending = ProcessEnding.reap(child) { return judge(index, ending, ranMilliseconds: ranMilliseconds) }
            pause()
        }
    }

    private mutating func judge(_ index: Int, _ ending: ProcessEnding, ranMilliseconds: Int) {
        let process = processes[index]
        let lastLine = process.output.lastLine(after: process.outputStart)
        let reason = "it \(ending)\(lastLine.map { ": \($0)" } ?? "")"
        processes[index].lastEnding = reason
        onEvent(.ended(name: process.name, ending: ending, lastLine: lastLine))
        switch options.policy.decide(ranMilliseconds: ranMilliseconds, failures: &processes[index].failures) {
        case .restart(let pause):
            processes[index].state = .waiting(untilMilliseconds: nowMilliseconds + pause)
            onEvent(.restarting(name: process.name, afterMilliseconds: pause))
        case .giveUp(let failures):
            processes[index].state = .gaveUp(reason: reason)
            onEvent(.gaveUp(name: process.name, failures: failures, logFile: process.output.path))
        }
        try? write(index)
    }

    /// The failure that ends the cluster: without its router, or without any worker, nothing can be answered.
    private var givenUp: LauncherError? {
        let lost = processes.compactMap { process -> LauncherError? in
            guard case .gaveUp(let reason) = process.state else { return nil }
            return .gaveUp(name: process.name, reason: reason, logFile: process.output.path)
        }
        if case .gaveUp = processes[0].state { return lost.first }
        let hasRemoteWorkers = topology.workers.count > topology.localWorkers.count
        return !hasRemoteWorkers && lost.count == processes.count - 1 ? lost.first : nil
    }

    private func write(_ index: Int) throws(LauncherError) {
        let process = processes[index]
        var record = ProcessRecord(
            name: process.name, identity: process.identity, startedUnixSeconds: UInt64(Date().timeIntervalSince1970),
            restarts: max(0, process.starts - 1), lastEnding: process.lastEnding)
        if case .gaveUp(let reason) = process.state { record.gaveUp = reason }
        try records.write(record)
    }
}

// MARK: Stopping

extension Supervisor {
    /// The router first: it refuses what is new and ends what runs, for which it needs its workers.
    private mutating func stop() throws(LauncherError) {
        onEvent(.stopping)
        end(processes.indices.prefix(1), withinMilliseconds: options.drainMilliseconds)
        end(processes.indices.dropFirst(), withinMilliseconds: options.stopMilliseconds)
        let left = processes.filter { $0.identity != nil }.map(\.name)
        guard left.isEmpty else { throw .unstoppable(names: left) }
        processes.forEach { records.remove($0.name) }
        onEvent(.stopped)
    }

    private mutating func end(_ indices: Range<Int>.SubSequence, withinMilliseconds bound: Int) {
        indices.forEach { processes[$0].identity?.send(SIGTERM) }
        if waitForEnds(indices, untilMilliseconds: nowMilliseconds + bound) { return }
        for index in indices {
            guard let identity = processes[index].identity else { continue }
            onEvent(.killing(name: processes[index].name))
            identity.send(SIGKILL)
        }
        _ = waitForEnds(indices, untilMilliseconds: nowMilliseconds + 2000)
    }

    private mutating func waitForEnds(_ indices: Range<Int>.SubSequence, untilMilliseconds deadline: Int) -> Bool {
        while true {
            var isAnyLeft = false
            for index in indices {
                guard let identity = processes[index].identity else { continue }
                if let ending = ProcessEnding.reap(identity.processID) {
                    processes[index].state = .ended
                    onEvent(.ended(name: processes[index].name, ending: ending, lastLine: nil))
                } else {
                    isAnyLeft = true
                }
            }
            if !isAnyLeft { return true }
            if nowMilliseconds >= deadline { return false }
            pause()
        }
    }
}

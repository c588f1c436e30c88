import Foundation
import Launcher
import Testing
import Topology

@Suite("Launcher: supervision")
struct SupervisionTests {
    @Test func itStartsWatchesAndEndsWhatIsLocal() throws {
        try withFolder { folder in
            let stage = try Stage(folder)
            let launcher = RunningLauncher(stage)
            try waitUntil("all started") { stage.isUp }
            let status = Launcher.localStatus(stage.topology)
            #expect(status.map(\.name) == ["launcher", "router", "a", "b"])
            #expect(!Launcher.isUnattended(status))
            #expect(status.allSatisfy { $0.state == .running && $0.restarts == 0 })
            #expect(status[0].processID == getpid())
            #expect(status.dropFirst().map(\.processID) == ["router", "a", "b"].map { stage.starts(of: $0).first })
            // Each child leads a session of its own: a terminal's Ctrl-C does not reach it.
            for child in status.dropFirst() {
                let processID = try #require(child.processID)
                #expect(getsid(processID) == processID)
            }

            try launcher.finish()
            #expect(stage.lines("ends").first == "router")
            #expect(stage.lines("ends").sorted() == ["a", "b", "router"])
            #expect(status.dropFirst().allSatisfy { isGone($0.processID ?? 0) })
            #expect(launcher.events.last == .stopped)
            #expect(Launcher.localStatus(stage.topology).allSatisfy { $0.state == .absent })
            #expect(!FileManager.default.fileExists(atPath: stage.topology.paths.sockets))
        }
    }

    @Test func aKilledProcessIsStartedAgain() throws {
        try withFolder { folder in
            let stage = try Stage(folder)
            let launcher = RunningLauncher(stage)
            try waitUntil("all started") { stage.isUp }
            let first = try #require(stage.starts(of: "a").first)
            kill(first, SIGKILL)
            try waitUntil("a again") { stage.starts(of: "a").count == 2 }
            try waitUntil("a is recorded again") {
                Launcher.localStatus(stage.topology).first { $0.name == "a" }?.restarts == 1
            }
            // What has failed once is known while it runs again: a launch that waits says it.
            #expect(Launcher.localStatus(stage.topology)[2].lastEnding == "it was ended by signal 9 (Killed)")
            #expect(launcher.has { $0 == .ended(name: "a", ending: .killed(signal: SIGKILL), lastLine: nil) })
            #expect(launcher.has { $0 == .restarting(name: "a", afterMilliseconds: 10) })
            #expect(isGone(first))
            #expect(stage.starts(of: "b").count == 1 && stage.starts(of: "router").count == 1)
            try launcher.finish()
        }
    }

    @Test func itGivesUpLoudlyAndTheOthersGoOn() throws {
        try withFolder { folder in
            var stage = try Stage(folder)
            stage.options.policy.quickFailuresMax = 3
            try stage.script("a", "echo old words; echo 'no such model' >&2; exit 1")
            let launcher = RunningLauncher(stage)
            let output = stage.topology.paths.outputFile("a")
            try waitUntil("gave up") { launcher.has { $0 == .gaveUp(name: "a", failures: 3, logFile: output) } }
            #expect(stage.starts(of: "a").count == 3)
            #expect(launcher.has { $0 == .ended(name: "a", ending: .exited(code: 1), lastLine: "no such model") })
            try waitUntil("the record says so") { Launcher.localStatus(stage.topology)[2].state == .gaveUp }
            #expect(Launcher.localStatus(stage.topology)[2].reason == "it exited with code 1: no such model")
            #expect(Launcher.localStatus(stage.topology)[2].lastEnding == "it exited with code 1: no such model")
            #expect(Launcher.localStatus(stage.topology)[3].state == .running)
            #expect(Launcher.localStatus(stage.topology)[3].lastEnding == nil)
            #expect(launcher.result == nil)
            try launcher.finish()
        }
    }

    @Test(arguments: [["router"], ["a", "b"]])
    func withoutRouterOrAnyWorkerItEnds(failing: [String]) throws {
        try withFolder { folder in
            var stage = try Stage(folder)
            stage.options.policy.quickFailuresMax = 2
            for name in failing { try stage.script(name, "exit 7") }
            let launcher = RunningLauncher(stage)
            let error = try #require(throws: LauncherError.self) { try launcher.finish(request: false) }
            guard case .gaveUp(let name, let reason, _) = error else { throw error }
            #expect(failing.contains(name) && reason == "it exited with code 7")
            let all = ["router", "a", "b"].flatMap { stage.starts(of: $0) }
            #expect(all.allSatisfy(isGone))
        }
    }

    @Test func aProcessThatIgnoresTermIsKilled() throws {
        try withFolder { folder in
            let stage = try Stage(folder)
            try stage.script("a", "trap '' TERM; echo deaf >> \(folder)/deaf")
            let launcher = RunningLauncher(stage)
            try waitUntil("deaf") { !stage.lines("deaf").isEmpty && stage.isUp }
            try launcher.finish()
            #expect(launcher.has { $0 == .killing(name: "a") } && !launcher.has { $0 == .killing(name: "b") })
            #expect(stage.starts(of: "a").allSatisfy(isGone))
        }
    }

    @Test func aSecondLaunchIsRefused() throws {
        try withFolder { folder in
            let stage = try Stage(folder)
            let launcher = RunningLauncher(stage)
            try waitUntil("all started") { stage.isUp }
            let error = try #require(throws: LauncherError.self) {
                try Launcher.launch(stage.topology, options: stage.options) { _ in }
            }
            #expect(
                error == .alreadyLaunched(cluster: "stage", topology: folder + "/t.yaml", processID: getpid()))
            #expect(error.description.contains("skein stop \(folder)/t.yaml"))
            #expect(throws: LauncherError.self) { try Launcher.launchDetached(stage.topology, executable: "/bin/true") }
            #expect(stage.lines("starts").count == 3)
            try launcher.finish()
        }
    }

    @Test func aProgramThatIsNotThere() throws {
        try withFolder { folder in
            var stage = try Stage(folder)
            stage.options.executable = folder + "/absent"
            let launcher = RunningLauncher(stage)
            let error = try #require(throws: LauncherError.self) { try launcher.finish(request: false) }
            #expect(error == .system(what: "starting \(folder)/absent", reason: "No such file or directory"))
        }
    }

    @Test func outputIsBounded() throws {
        try withFolder { folder in
            let stage = try Stage(folder, workers: ["a"])
            try stage.script("a", "head -c 3000000 /dev/zero; echo written >> \(folder)/written")
            let launcher = RunningLauncher(stage)
            try waitUntil("written") { !stage.lines("written").isEmpty }
            let output = stage.topology.paths.outputFile("a")
            try waitUntil("emptied") {
                let size = try FileManager.default.attributesOfItem(atPath: output)[.size] as? NSNumber
                return (size?.intValue ?? .max) < 1 << 20
            }
            try launcher.finish()
        }
    }
}

@Suite("Launcher: when to start again")
struct RestartPolicyTests {
    @Test func pausesGrowAndAreBounded() {
        let policy = RestartPolicy()
        var failures = 0
        let decisions = (0..<6).map { _ in policy.decide(ranMilliseconds: 5, failures: &failures) }
        #expect(
            decisions == [100, 200, 400, 800, 1600].map { .restart(afterMilliseconds: $0) } + [.giveUp(failures: 6)])

        var patient = RestartPolicy()
        patient.quickFailuresMax = 1000
        failures = 500
        #expect(patient.decide(ranMilliseconds: 5, failures: &failures) == .restart(afterMilliseconds: 5000))
    }

    @Test func aSteadyRunEndsARowOfFailures() {
        let policy = RestartPolicy()
        var failures = 5
        #expect(policy.decide(ranMilliseconds: 10_000, failures: &failures) == .restart(afterMilliseconds: 100))
        #expect(policy.decide(ranMilliseconds: 9999, failures: &failures) == .restart(afterMilliseconds: 200))
    }
}

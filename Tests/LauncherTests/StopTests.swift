import Foundation
import Launcher
import Testing
import Topology

@Suite("Launcher: stop, also after a crash")
struct StopTests {
    /// The launcher runs in a process of its own, which kills itself with SIGKILL once everything has started.
    private func launchAndCrash(_ folder: String) async throws -> Stage {
        let stage = try Stage(folder)
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            let stage = try Stage(folder)
            _ = RunningLauncher(stage)
            try waitUntil("all started and recorded") { stage.isUp }
            kill(getpid(), SIGKILL)
        }
        return stage
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test func everythingEndsAfterTheLauncherWasKilled() async throws {
        try await withFolder { folder in
            let stage = try await launchAndCrash(folder)
            let children = ["router", "a", "b"].flatMap { stage.starts(of: $0) }
            #expect(children.count == 3 && children.allSatisfy { kill($0, 0) == 0 })
            let left = Launcher.localStatus(stage.topology)
            #expect(left.map(\.state) == [.absent, .running, .running, .running])
            #expect(Launcher.isUnattended(left))

            let refusal = try #require(throws: LauncherError.self) {
                try Launcher.launch(stage.topology, options: stage.options) { _ in }
            }
            // A detached launch refuses in the same words, before it starts anything.
            #expect(throws: refusal) { try Launcher.launchDetached(stage.topology, executable: "/bin/false") }
            #expect(
                refusal == .leftovers(cluster: "stage", topology: folder + "/t.yaml", names: ["router", "a", "b"]))

            #expect(try Launcher.stop(stage.topology, options: stage.options) == .stopped(["router", "a", "b"]))
            // A zombie waits for init, which is nobody in some containers: it has ended all the same.
            #expect(children.allSatisfy { ProcessIdentity(of: $0) == nil })
            #expect(stage.lines("ends").first == "router" && stage.lines("ends").count == 3)
            #expect(try Launcher.stop(stage.topology, options: stage.options) == .nothingRan)

            // And the cluster can be launched again.
            let launcher = RunningLauncher(stage)
            try waitUntil("all started again") { stage.lines("starts").count == 6 }
            try launcher.finish()
        }
    }

    /// A process that no record names (started in the instant before the crash) is found by its mark.
    @Test func aProcessWithoutARecordEndsToo() async throws {
        try await withFolder { folder in
            let stage = try await launchAndCrash(folder)
            let child = try #require(stage.starts(of: "b").first)
            try FileManager.default.removeItem(atPath: stage.topology.paths.processes + "/b.json")
            #expect(
                try Launcher.stop(stage.topology, options: stage.options)
                    == .stopped(["router", "a", "process \(child)"]))
            #expect(ProcessIdentity(of: child) == nil)
        }
    }

    /// The number of a process that ended belongs to another one now: it must not be touched.
    @Test func aReusedProcessIDIsLeftAlone() throws {
        try LauncherTests.withFolder { folder in
            let stage = try Stage(folder)
            try stage.topology.paths.prepare()
            let stranger = Process()
            stranger.executableURL = URL(fileURLWithPath: "/bin/sleep")
            stranger.arguments = ["60"]
            try stranger.run()
            defer {
                kill(stranger.processIdentifier, SIGKILL)
                stranger.waitUntilExit()
            }
            let identity = try #require(ProcessIdentity(of: stranger.processIdentifier))
            #expect(identity.isAlive)
            for (ticks, boot) in [(identity.startTicks - 1, identity.bootID), (identity.startTicks, "another boot")] {
                let record = """
                    {"name": "a", "restarts": 0, "startedUnixSeconds": 0, "identity":
                    {"processID": \(identity.processID), "startTicks": \(ticks), "bootID": "\(boot)"}}
                    """
                try record.write(
                    toFile: stage.topology.paths.processes + "/a.json", atomically: true, encoding: .utf8)
                #expect(Launcher.localStatus(stage.topology)[2].state == .absent)
                #expect(try Launcher.stop(stage.topology, options: stage.options) == .nothingRan)
                #expect(identity.isAlive)
            }
        }
    }

    @Test(arguments: ["", "{", "{\"name\": 3}", "[]"])
    func aDamagedRecordIsIgnored(text: String) throws {
        try LauncherTests.withFolder { folder in
            let stage = try Stage(folder)
            try stage.topology.paths.prepare()
            try text.write(toFile: stage.topology.paths.processes + "/a.json", atomically: true, encoding: .utf8)
            #expect(Launcher.localStatus(stage.topology).allSatisfy { $0.state == .absent })
            #expect(try Launcher.stop(stage.topology, options: stage.options) == .nothingRan)
        }
    }

    @Test func stopEndsARunningLauncher() async throws {
        try await withFolder { folder in
            let stage = try Stage(folder)
            async let exit: ExitTest.Result? = #expect(processExitsWith: .exitCode(17)) { [folder = folder as String] in
                let stage = try Stage(folder)
                // SIGTERM asks it to stop, as the command line does.
                signal(SIGTERM, SIG_IGN)
                let launcher = RunningLauncher(stage)
                let watch = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
                watch.setEventHandler { launcher.stop.request() }
                watch.resume()
                try waitUntil("the end", seconds: 60) { launcher.result != nil }
                Foundation.exit(17)
            }
            try waitUntil("all started", seconds: 60) { stage.isUp }
            #expect(
                try Launcher.stop(stage.topology, options: stage.options) == .stopped(["launcher", "router", "a", "b"]))
            _ = await exit
            #expect(stage.lines("ends").count == 3)
        }
    }

    // MARK: Detached

    @Test func aDetachedLauncherRunsInItsOwnSession() throws {
        try LauncherTests.withFolder { folder in
            let stage = try Stage(folder)
            // A stand-in that writes a launcher's record: start time by cut, not by our reading of /proc.
            let script = """
                #!/bin/bash
                [ "$1 $2" = "launch \(folder)/t.yaml" ] || exit 64
                printf '{"name":"launcher","identity":{"processID":%d,"startTicks":%d,"bootID":"%s"},\
                "startedUnixSeconds":0,"restarts":0}' $$ "$(cut -d' ' -f22 /proc/$$/stat)" \
                "$(cat /proc/sys/kernel/random/boot_id)" > \(stage.topology.paths.processes)/launcher.tmp
                mv \(stage.topology.paths.processes)/launcher.tmp \(stage.topology.paths.processes)/launcher.json
                while :; do sleep 0.02; done
                """
            let executable = folder + "/detached"
            try writeProgram(executable, script)
            let launcher = try Launcher.launchDetached(stage.topology, executable: executable)
            let child = launcher.processID
            #expect(launcher.ending == nil)
            #expect(getsid(child) == child)
            #expect(Launcher.localStatus(stage.topology)[0].processID == child)
            #expect(try Launcher.stop(stage.topology, options: stage.options) == .stopped(["launcher"]))
            var status: Int32 = 0
            #expect(waitpid(child, &status, 0) == child)
        }
    }

    @Test func aDetachedLauncherThatFailsSaysWhy() throws {
        try LauncherTests.withFolder { folder in
            let stage = try Stage(folder)
            let executable = folder + "/fails"
            try writeProgram(executable, "#!/bin/bash\necho 'skein: the port is taken' >&2; exit 3\n")
            let error = try #require(throws: LauncherError.self) {
                try Launcher.launchDetached(stage.topology, executable: executable)
            }
            #expect(
                error
                    == .detachedEnded(
                        reason: "the port is taken", code: 3, logFile: stage.topology.paths.outputFile("launcher")))
        }
    }

    /// A command in /proc/PID/stat may hold blanks and parentheses.
    @Test func anOddCommandNameIsReadRight() throws {
        try LauncherTests.withFolder { folder in
            let program = folder + "/a) Z (b 1"
            try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = ["60"]
            try process.run()
            let identity = try #require(ProcessIdentity(of: process.processIdentifier))
            #expect(identity.startTicks > 0 && identity.isAlive)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(!identity.isAlive)
        }
    }
}

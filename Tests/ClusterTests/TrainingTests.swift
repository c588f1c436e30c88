import Client
import Digest
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// `skein train` as a process, on the shipped trunk with blocks of a few tokens.
    @Suite("Training as a process") struct TrainingTests {
        /// A folder with a text to learn from, gone with the value.
        private final class Scratch {
            let folder: String
            var data: String { "\(folder)/geese.txt" }

            init() throws {
                folder = "/tmp/skein-train-\(UUID().uuidString.prefix(8))"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                let text = (0..<60).map { "Goose \($0) flies behind goose \($0 + 1), and the \($0 % 7) others follow." }
                try text.joined(separator: "\n").write(toFile: data, atomically: true, encoding: .utf8)
            }

            /// - Parameter name: of the folder around the expert, which is always called `mine`.
            func expert(_ name: String) -> String { "\(folder)/\(name)/mine" }

            func training(_ name: String, steps: Int, sites: String = "q,down") throws -> [String] {
                [
                    "train", "expert", "--trunk", try Places.model(), "--data", data, "--out", expert(name), "--steps",
                    "\(steps)", "--batch", "2", "--block", "16", "--held-tokens", "32", "--sites", sites, "--rank", "2",
                    "--save-every", "3", "--shards", "2", "--trunk-name", "smollm2-135m-instruct", "--json",
                ]
            }

            func start(_ arguments: [String]) throws -> RunningProcess {
                try RunningProcess(arguments, folder: folder)
            }

            /// The same with SIGXFSZ ignored, so that a write beyond the limit of a file's size fails as on a full disk.
            func startLimited(_ arguments: [String]) throws -> RunningProcess {
                let shell = ["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", try Places.executable()]
                return try RunningProcess(shell + arguments, folder: folder, program: "/bin/bash")
            }

            /// Every file of an expert with its hash.
            func hashes(_ name: String) throws -> [String: SHA256Digest] {
                let files = try FileManager.default.contentsOfDirectory(atPath: expert(name))
                return Dictionary(
                    uniqueKeysWithValues: try files.map {
                        ($0, try SHA256Digest(ofFileAt: "\(expert(name))/\($0)"))
                    })
            }

            deinit { try? FileManager.default.removeItem(atPath: folder) }
        }

        @Test("kill -9 at a random step and --resume give the bytes of a run that was never interrupted")
        func killed() async throws {
            let scratch = try Scratch()
            let steps = 14
            let whole = try scratch.start(try scratch.training("whole", steps: steps))
            try #require(try await whole.ending() == 0, "\(whole.errors)")
            let killAfter = Int.random(in: 1...steps - 5)
            let cut = try scratch.start(try scratch.training("cut", steps: steps))
            let isThere = try await eventually(withinSeconds: 30) {
                cut.output.split(separator: "\n").count >= killAfter
            }
            try #require(isThere, "\(cut.errors)")
            // One at a time in a folder, also while the first is in the middle.
            let second = try scratch.start(try scratch.training("cut", steps: steps))
            cut.signal(SIGSTOP)
            #expect(try await second.ending() == 3, "\(second.errors)")
            #expect(second.errors.contains("another run works here"), "\(second.errors)")
            cut.signal(SIGKILL)
            #expect(try await cut.ending() == 128 + SIGKILL, "killed after step \(killAfter)")
            #expect(!FileManager.default.fileExists(atPath: scratch.expert("cut")))

            let forgetful = try scratch.start(try scratch.training("cut", steps: steps))
            #expect(try await forgetful.ending() == 3)
            #expect(forgetful.errors.contains("--resume"), "\(forgetful.errors)")
            let other = try scratch.start(try scratch.training("cut", steps: steps + 1) + ["--resume"])
            #expect(try await other.ending() == 3, "another setting goes on: \(other.errors)")
            let resumed = try scratch.start(try scratch.training("cut", steps: steps) + ["--resume"])
            try #require(try await resumed.ending() == 0, "\(resumed.errors)")
            let (expected, found) = (try scratch.hashes("whole"), try scratch.hashes("cut"))
            #expect(expected.count >= 4 && found == expected, "killed after step \(killAfter)")
            #expect(!FileManager.default.fileExists(atPath: scratch.expert("cut") + ".run"))
        }

        @Test(
            "no room for a checkpoint: the run says so and ends, the last one stays, and --resume gives the bytes of a whole run"
        )
        func noRoom() async throws {
            let scratch = try Scratch()
            let steps = 14
            let whole = try scratch.start(try scratch.training("whole", steps: steps))
            let cut = try scratch.startLimited(try scratch.training("cut", steps: steps))
            let isThere = try await eventually(withinSeconds: 60) { cut.output.split(separator: "\n").count >= 4 }
            try #require(isThere, "\(cut.errors)")
            // A checkpoint has more than 2 MB; what the process prints stays far below the limit.
            cut.signal(SIGSTOP)
            let limiting = Process()
            limiting.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            limiting.arguments = ["prlimit", "--pid", "\(cut.processID)", "--fsize=100000:"]
            try limiting.run()
            limiting.waitUntilExit()
            try #require(limiting.terminationStatus == 0)
            let state = scratch.expert("cut") + ".run/state"
            let last = try SHA256Digest(ofFileAt: state)
            cut.signal(SIGCONT)
            #expect(try await cut.ending(withinSeconds: 60) == 1, "\(cut.errors)")
            #expect(cut.errors.contains("\(state): cannot be written (File too large)"), "\(cut.errors)")
            #expect(cut.errors.contains("--resume"), "\(cut.errors)")
            #expect(try SHA256Digest(ofFileAt: state) == last)
            #expect(!FileManager.default.fileExists(atPath: state + ".partial"))
            #expect(!FileManager.default.fileExists(atPath: scratch.expert("cut")))

            let resumed = try scratch.start(try scratch.training("cut", steps: steps) + ["--resume"])
            try #require(try await resumed.ending(withinSeconds: 60) == 0, "\(resumed.errors)")
            try #require(try await whole.ending(withinSeconds: 60) == 0, "\(whole.errors)")
            #expect(try scratch.hashes("cut") == scratch.hashes("whole"))
        }

        @Test("what cannot be learned from is refused by name, before anything is written")
        func badInput() async throws {
            let scratch = try Scratch()
            let long = String(repeating: "geese ", count: 40)
            let cases: [(name: String, content: [UInt8], options: [String], exit: Int32, complaint: String)] = [
                ("empty.txt", [], [], 2, "holds no text to learn from"),
                ("tiny.txt", Array("Goose.".utf8), [], 2, "a run needs at least a block of 16 tokens"),
                ("binary.txt", [71, 0, 71], [], 2, "byte 1 is zero: a binary file"),
                ("latin.txt", [71, 0xE9, 71], [], 2, "is not UTF-8"),
                (
                    "long.jsonl", Array("{\"prompt\": \"\(long)\", \"completion\": \"fly\"}".utf8), [], 2,
                    "a conversation is not cut"
                ),
                (
                    "geese.txt", Array(String(repeating: "geese fly. ", count: 9000).utf8), ["--block", "9000"], 2,
                    "more than the 8192 positions of the model"
                ),
                (
                    "flock.txt", Array(String(repeating: "geese fly. ", count: 90).utf8), ["--resume"], 3,
                    "there is no checkpoint to go on from"
                ),
            ]
            for entry in cases {
                try Data(entry.content).write(to: URL(fileURLWithPath: "\(scratch.folder)/\(entry.name)"))
                var arguments = try scratch.training("bad", steps: 2) + entry.options
                arguments[try #require(arguments.firstIndex(of: "--data")) + 1] = "\(scratch.folder)/\(entry.name)"
                let run = try scratch.start(arguments)
                #expect(try await run.ending() == entry.exit, "\(entry.name): \(run.errors)")
                #expect(run.errors.contains(entry.complaint), "\(entry.name): \(run.errors)")
                #expect(!FileManager.default.fileExists(atPath: scratch.expert("bad")))
                #expect(!FileManager.default.fileExists(atPath: scratch.expert("bad") + ".run"), "\(entry.name)")
            }
        }

        @Test("gates for an adapter of another trunk are refused, and its folder stays as it was")
        func anotherTrunksAdapter() async throws {
            let scratch = try Scratch()
            let folder = scratch.expert("other")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let root = "base_model.model.model.layers.0.self_attn.q_proj"
            let header =
                "{\"\(root).lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[2,10],\"data_offsets\":[0,80]},"
                + "\"\(root).lora_B.weight\":{\"dtype\":\"F32\",\"shape\":[10,2],\"data_offsets\":[80,160]}}"
            let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
            let weights = Data(length + Array(header.utf8) + [UInt8](repeating: 0, count: 160))
            try weights.write(to: URL(fileURLWithPath: "\(folder)/adapter_model.safetensors"))
            let settings = "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"target_modules\":[\"q_proj\"]}"
            try settings.write(toFile: "\(folder)/adapter_config.json", atomically: true, encoding: .utf8)
            let before = try scratch.hashes("other")
            let run = try scratch.start([
                "train", "gate", "--trunk", try Places.model(), "--data", scratch.data, "--expert", folder,
            ])
            #expect(try await run.ending() == 1, "\(run.errors)")
            #expect(run.errors.contains("model.layers.0.self_attn.q_proj"), "\(run.errors)")
            #expect(try scratch.hashes("other") == before)
        }

        @Test("pairs in chosen layers only: such an expert is read, gated, and has no other sites")
        func chosenLayers() async throws {
            let scratch = try Scratch()
            let beyond = try scratch.start(try scratch.training("some", steps: 2) + ["--layers", "28-30"])
            #expect(try await beyond.ending() == 2, "\(beyond.errors)")
            #expect(beyond.errors.contains("--layers names 30; the trunk has the layers 0 to 29"), "\(beyond.errors)")
            let training = try scratch.start(try scratch.training("some", steps: 2) + ["--layers", "3,28-29"])
            try #require(try await training.ending() == 0, "\(training.errors)")
            let gating = try scratch.start([
                "train", "gate", "--trunk", try Places.model(), "--data", scratch.data, "--expert",
                scratch.expert("some"), "--steps", "2", "--batch", "2", "--block", "16", "--held-tokens", "32",
            ])
            try #require(try await gating.ending() == 0, "\(gating.errors)")
            #expect(gating.output.contains("gates of 6 sites"), "\(gating.output)")
            let settings = try String(contentsOfFile: "\(scratch.expert("some"))/adapter_config.json", encoding: .utf8)
            for layer in 0..<30 {
                let isChosen = [3, 28, 29].contains(layer)
                #expect(settings.contains("model.layers.\(layer).self_attn.q_proj") == isChosen, "layer \(layer)")
            }
            let verifying = try scratch.start(["expert", "verify", scratch.expert("some")])
            #expect(try await verifying.ending() == 0, "\(verifying.errors)")
        }

        @Test(
            "shares, weights and rates outside their range are usage errors that name the option",
            arguments: [("--row-rate", "0"), ("--rewrite-share", "1.5"), ("--rewrite-weight", "-1")])
        func badNumbers(_ option: String, _ value: String) async throws {
            let scratch = try Scratch()
            let training = try scratch.start([
                "train", "tokens", "--trunk", try Places.model(), "--data", scratch.data, "--out",
                "\(scratch.folder)/master", option, value,
            ])
            #expect(try await training.ending() == 2, "\(training.errors)")
            #expect(training.errors.contains("\(option) is"), "\(training.errors)")
        }

        @Test("a new expert is trained, gated and published in shadow; without gates it is refused, and stays")
        func publishing() async throws {
            let scratch = try Scratch()
            let cluster = try RoutedCluster.make(
                [("a", ["french", "german"]), ("b", ["python"])], known: ["french", "german", "python"])
            let client = try await cluster.launch()
            let into = ["--publish", "--shadow", "--topology", cluster.topology.path]
            let ungated = try scratch.start(
                try scratch.training("trunk", steps: 2, sites: "q,k,v,o,gate,up,down") + into)
            #expect(try await ungated.ending() == 3, "\(ungated.errors)")
            #expect(ungated.errors.contains("gate"), "\(ungated.errors)")
            #expect(try await client.statistics().shadows.isEmpty)
            let adapter = "\(scratch.expert("trunk"))/adapter_model.safetensors"
            let before = try SHA256Digest(ofFileAt: adapter)

            let gated = try scratch.start(
                [
                    "train", "gate", "--trunk", try Places.model(), "--data", scratch.data, "--expert",
                    scratch.expert("trunk"), "--steps", "2", "--batch", "2", "--block", "16", "--held-tokens", "32",
                ] + into)
            try #require(try await gated.ending() == 0, "\(gated.errors)")
            #expect(gated.output.contains("published the shadow mine@"), "\(gated.output)")
            #expect(try SHA256Digest(ofFileAt: adapter) == before)
            #expect(try await client.statistics().shadows.map(\.expert) == ["mine"])
        }
    }
}

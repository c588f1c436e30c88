import Digest
import Foundation
import Learning
import Testing

struct RunTests {
    private static let recipe = Recipe(
        steps: 6, blocks: 3, blockTokens: 17, learningRate: 0.02, warmUp: 1 / 3, clip: 0.5, weightDecay: 0.1, shards: 2)
    private static let settings = SHA256Digest(of: [1])

    private static func run(_ recipe: Recipe = recipe, fixed: [Range<Int>] = []) throws -> TrainingRun {
        let goldens = try TorchGoldens()
        let blocks = try goldens.blocks
        return TrainingRun(
            goldens.trunk, try goldens.parameters(gated: true), TrainingSet(train: blocks, held: blocks), recipe,
            fixed: fixed, traceBytesMax: 1 << 20)
    }

    private static func bits(_ run: TrainingRun) -> [[UInt32]] {
        run.parameters.entries.map { run.parameters.array(of: $0).map(\.bitPattern) }
    }

    private static func withFolder<R>(_ body: (String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "learning-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    @Test func sixStepsAreTorchs() throws {
        let goldens = try StepGoldens()
        let run = try Self.run()
        for step in 1...6 {
            let report = try run.advance()
            let expected = try goldens.floats("step.\(step)")
            #expect(abs(report.loss - Double(expected[0])) < 1e-4 * report.loss, "loss of step \(step)")
            #expect(abs(report.gradientNorm - Double(expected[1])) < 1e-3 * report.gradientNorm, "norm of step \(step)")
        }
        for entry in run.parameters.entries {
            let (found, wanted) = (run.parameters.array(of: entry), try goldens.floats(entry.name))
            let gap = zip(found, wanted).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let size = wanted.reduce(Float(0)) { $0 + $1 * $1 }
            #expect((gap / size).squareRoot() < 1e-3, "\(entry.name)")
        }
    }

    @Test(arguments: [0, 1, 3, 5])
    func aRunThatGoesOnEndsWithTheSameBits(after stop: Int) throws {
        let whole = try Self.run()
        while !whole.isDone { _ = try whole.advance() }
        try Self.withFolder { folder in
            let first = try Self.run()
            for _ in 0..<stop { _ = try first.advance() }
            try RunState.save(first, settings: Self.settings, heldBefore: 1.25, to: "\(folder)/state")
            let second = try Self.run()
            let before = try RunState.restore(second, settings: Self.settings, from: "\(folder)/state")
            #expect(before == 1.25)
            #expect(second.step == stop)
            while !second.isDone { _ = try second.advance() }
            #expect(Self.bits(second) == Self.bits(whole))
        }
    }

    @Test func aCheckpointOfOtherSettingsOrABrokenOneIsRefused() throws {
        try Self.withFolder { folder in
            let (run, path) = (try Self.run(), "\(folder)/state")
            try RunState.save(run, settings: Self.settings, heldBefore: nil, to: path)
            #expect { try RunState.restore(run, settings: SHA256Digest(of: [2]), from: path) } throws: {
                ($0 as? LearningError)?.reason == .mismatch
            }
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: path))
            #expect { try RunState.restore(run, settings: Self.settings, from: path) } throws: {
                ($0 as? LearningError)?.reason == .malformed
            }
            try bytes.prefix(100).write(to: URL(filePath: path))
            #expect { try RunState.restore(run, settings: Self.settings, from: path) } throws: {
                ($0 as? LearningError)?.reason == .malformed
            }
        }
    }

    /// `/dev/full` stands for a disk that is: every write to it fails as there.
    @Test func aFullDiskIsSaidAndTheLastCheckpointStays() throws {
        try Self.withFolder { folder in
            let (run, path) = (try Self.run(), "\(folder)/state")
            try RunState.save(run, settings: Self.settings, heldBefore: nil, to: path)
            let before = try Data(contentsOf: URL(filePath: path))
            try FileManager.default.createSymbolicLink(atPath: path + ".partial", withDestinationPath: "/dev/full")
            _ = try run.advance()
            #expect { try RunState.save(run, settings: Self.settings, heldBefore: nil, to: path) } throws: {
                ($0 as? LearningError)?.reason == .unwritable
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func whatIsNotFiniteStopsARunBeforeItChangesAnything() throws {
        let run = try Self.run()
        _ = try run.advance()
        let entry = try #require(run.parameters.entries.first)
        var values = run.parameters.array(of: entry)
        values[0] = .nan
        run.parameters.set(entry, to: values)
        let before = Self.bits(run)
        #expect { try run.advance() } throws: { error in
            guard let error = error as? LearningError else { return false }
            return error.reason == .notFinite && error.place == "step 2" && error.detail.contains("blocks")
        }
        #expect(Self.bits(run) == before)
        #expect(run.step == 1)
    }

    @Test func fixedRowsStayBitForBitAndTheOthersLearn() throws {
        var recipe = Self.recipe
        recipe.weightDecay = 0
        let width = 32
        let places = try Self.run().parameters.places(ofFirstRows: 2, width: width)
        let run = try Self.run(recipe, fixed: places)
        let before = run.parameters.rows(width: width).embedding
        while !run.isDone { _ = try run.advance() }
        let after = run.parameters.rows(width: width).embedding
        #expect(after.prefix(2 * width).map(\.bitPattern) == before.prefix(2 * width).map(\.bitPattern))
        #expect(after.suffix(width) != before.suffix(width))
    }

    @Test func oneRunPerFolder() throws {
        try Self.withFolder { folder in
            let out = "\(folder)/expert"
            let first = try RunFolder(for: out, isResumed: false, restarts: false)
            #expect { _ = try RunFolder(for: out, isResumed: false, restarts: false) } throws: {
                ($0 as? LearningError)?.reason == .taken
            }
            try Data([1]).write(to: URL(filePath: first.state))
            withExtendedLifetime(first) {}
        }
        try Self.withFolder { folder in
            let out = "\(folder)/expert"
            #expect { _ = try RunFolder(for: out, isResumed: true, restarts: false) } throws: {
                ($0 as? LearningError)?.reason == .mismatch
            }
            #expect(!FileManager.default.fileExists(atPath: out + ".run"))
            try FileManager.default.createDirectory(atPath: out + ".run", withIntermediateDirectories: false)
            try Data([1]).write(to: URL(filePath: "\(out).run/state"))
            #expect { _ = try RunFolder(for: out, isResumed: false, restarts: false) } throws: {
                ($0 as? LearningError)?.reason == .taken
            }
            let again = try RunFolder(for: out, isResumed: false, restarts: true)
            #expect(!FileManager.default.fileExists(atPath: again.state))
        }
    }

    @Test func aRunWithoutACheckpointLeavesNoFolder() throws {
        try Self.withFolder { folder in
            let out = "\(folder)/expert"
            func isThere(_ name: String = "") -> Bool { FileManager.default.fileExists(atPath: out + ".run" + name) }
            do {
                let run = try RunFolder(for: out, isResumed: false, restarts: false)
                #expect { _ = try RunFolder(for: out, isResumed: false, restarts: false) } throws: {
                    ($0 as? LearningError)?.reason == .taken
                }
                #expect(isThere("/lock"), "who is refused takes nothing away")
                withExtendedLifetime(run) {}
            }
            #expect(!isThere())
            do {
                let run = try RunFolder(for: out, isResumed: false, restarts: false)
                try Data([1]).write(to: URL(filePath: run.state))
            }
            #expect(isThere("/state"))
            do { _ = try RunFolder(for: out, isResumed: true, restarts: false) }
            #expect(isThere("/state"))
            do {
                let run = try RunFolder(for: out, isResumed: false, restarts: true)
                try Data([1]).write(to: URL(filePath: "\(run.path)/notes"))
            }
            #expect(isThere("/notes"), "what is not the run's stays")
        }
    }
}

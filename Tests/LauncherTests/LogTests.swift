import Foundation
import Logging
import Observability
import Testing

/// A folder of its own, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private func read(_ path: String) throws -> String {
    try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
}

@Suite("Observability: lines")
struct LogLineTests {
    private let line = LogLine(process: "worker a", processID: 7)

    @Test func aLineNamesTimeLevelProcessAndLabel() {
        let text = line.text(
            level: "info", label: "skein.worker", message: "ready",
            metadata: ["b": "two words", "a": "1", "c": "x=\"y\""],
            at: Date(timeIntervalSince1970: 1_700_000_000.25))
        #expect(
            text
                == "2023-11-14T22:13:20.250Z info     worker a[7] skein.worker: ready a=1 b=\"two words\" c=\"x=\\\"y\\\"\"\n"
        )
    }

    @Test func oneEventIsOneLine() {
        let text = line.text(
            level: "error", label: "l", message: "a\nb\tc\u{1B}[31m\u{7F}\u{9B}\u{2028}é", metadata: ["k": "v\r\n"])
        #expect(text.hasSuffix("l: a\\nb\\tc\\u{1b}[31m\\u{7f}\\u{9b}\\u{2028}é k=v\\u{d}\\n\n"))
        #expect(text.unicodeScalars.filter { $0.value < 0x20 }.count == 1)
    }

    @Test func aLineIsBounded() {
        let text = line.text(level: "info", label: "l", message: String(repeating: "é", count: 100_000), metadata: [:])
        #expect(text.utf8.count <= LogLine.bytesMax + 1)
        #expect(text.hasSuffix("bytes more)\n"))
    }
}

@Suite("Observability: files")
struct RotatingFileTests {
    @Test func filesRotateAndAreBounded() throws {
        try withFolder { folder in
            let path = folder + "/p.log"
            let file = try RotatingFile(path: path, bytesMax: 100, filesMax: 3)
            for index in 0..<50 { file.append("line \(index) of twenty b\n") }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["p.log", "p.log.1", "p.log.2"])
            var kept: [String] = []
            for name in ["p.log.2", "p.log.1", "p.log"] {
                let text = try read(folder + "/" + name)
                #expect(text.utf8.count <= 100)
                kept += text.split(separator: "\n").map(String.init)
            }
            // The last lines, in order, none missing.
            #expect(kept == (50 - kept.count..<50).map { "line \($0) of twenty b" })
            #expect(kept.count >= 8)
        }
    }

    @Test func aSecondRunGoesOnWhereTheFirstEnded() throws {
        try withFolder { folder in
            let path = folder + "/p.log"
            do { try RotatingFile(path: path, bytesMax: 30, filesMax: 2).append("first run, twenty by\n") }
            let file = try RotatingFile(path: path, bytesMax: 30, filesMax: 2)
            file.append("second run\n")
            #expect(try read(path) == "second run\n")
            #expect(try read(path + ".1") == "first run, twenty by\n")
        }
    }

    @Test func oneFileIsReplaced() throws {
        try withFolder { folder in
            let file = try RotatingFile(path: folder + "/p.log", bytesMax: 10, filesMax: 1)
            for index in 0..<5 { file.append("line \(index)\n") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["p.log"])
            #expect(try read(folder + "/p.log") == "line 4\n")
        }
    }

    @Test func threadsDoNotMixTheirLines() throws {
        try withFolder { folder in
            let file = try RotatingFile(path: folder + "/p.log", bytesMax: 1 << 20, filesMax: 2)
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                for index in 0..<200 { file.append("\(thread) \(index)\n") }
            }
            let lines = try read(folder + "/p.log").split(separator: "\n")
            #expect(Set(lines).count == 1600 && lines.count == 1600)
        }
    }

    @Test func aFolderThatIsNotThere() {
        #expect(throws: LogFileError.self) { try RotatingFile(path: "/nonexistent/p.log", bytesMax: 1, filesMax: 1) }
    }

    /// /dev/full takes no byte.
    @Test func aFullDiskDoesNotEndTheProcess() throws {
        let file = try RotatingFile(path: "/dev/full", bytesMax: 1 << 20, filesMax: 1)
        for _ in 0..<3 { file.append("lost\n") }
    }
}

@Suite("Observability: the handler")
struct LineLogHandlerTests {
    @Test func loggersWriteLinesFromTheirLevelUpWithAllTheirMetadata() throws {
        try withFolder { folder in
            let path = folder + "/p.log"
            let file = try RotatingFile(path: path, bytesMax: 10_000, filesMax: 2)
            var logger = Logger(label: "skein.router") { label in
                LineLogHandler(label: label, process: "router", level: .notice, destination: .file(file))
            }
            logger[metadataKey: "worker"] = "a"
            var louder = logger
            louder.logLevel = .debug
            louder[metadataKey: "worker"] = "b"
            logger.info("not written")
            logger.warning("lost", metadata: ["after": "3 s"])
            louder.debug("found")
            let lines = try read(path).split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.contains("warning") == true)
            #expect(lines.first?.hasSuffix("skein.router: lost after=\"3 s\" worker=a") == true)
            // A copy's level and metadata are its own.
            #expect(lines.last?.hasSuffix("skein.router: found worker=b") == true)
        }
    }
}

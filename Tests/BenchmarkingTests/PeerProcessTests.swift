import Benchmarking
import Testing

@Suite("Benchmarking: another program")
struct PeerProcessTests {
    private struct Number: Codable, Equatable { let value: Int }

    private func shell(_ script: String) throws(PeerError) -> PeerProcess {
        try PeerProcess("/bin/sh", ["-c", script])
    }

    @Test func itAnswersLineByLine() throws {
        let peer = try shell("echo '{\"value\": 1}'; while read -r line; do echo \"$line\"; done")
        #expect(try peer.read(Number.self, withinSeconds: 10) == Number(value: 1))
        #expect(try peer.ask(Number(value: 7), Number.self, withinSeconds: 10) == Number(value: 7))
        #expect(try peer.ask(Number(value: 8), Number.self, withinSeconds: 10) == Number(value: 8))
    }

    @Test func itsEndIsAnError() throws {
        let peer = try shell("read -r line")
        #expect(throws: PeerError.ended(program: "/bin/sh")) {
            try peer.ask(Number(value: 7), Number.self, withinSeconds: 10)
        }
    }

    @Test func itsSilenceIsAnError() throws {
        let peer = try shell("exec sleep 30")
        #expect(throws: PeerError.silent(program: "/bin/sh", seconds: 1)) {
            try peer.ask(Number(value: 7), Number.self, withinSeconds: 1)
        }
    }

    @Test func whatIsNoAnswerIsAnError() throws {
        let peer = try shell("echo warming up")
        #expect(throws: PeerError.unreadable(program: "/bin/sh", line: "warming up")) {
            try peer.read(Number.self, withinSeconds: 10)
        }
    }

    @Test func aLineWithoutEndIsAnError() throws {
        let peer = try shell("exec cat /dev/zero")
        #expect(throws: PeerError.unreadable(program: "/bin/sh", line: "a line of over 1048576 bytes")) {
            try peer.read(Number.self, withinSeconds: 10)
        }
    }

    @Test func aProgramThatIsNotThereIsAnError() {
        #expect(throws: PeerError.self) { try PeerProcess("/nowhere/python", []) }
    }
}

import Digest
import Foundation
import Testing

struct DigestTests {
    /// The examples of FIPS 180-2, appendix B, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func equalsThePublishedExamples(_ message: String, _ digest: String) {
        #expect(SHA256Digest(of: Array(message.utf8)).hex == digest)
    }

    @Test func piecesMakeTheSameDigest() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var hasher = SHA256()
        for start in stride(from: 0, to: 1000, by: 37) {
            hasher.update(Array(bytes[start..<min(start + 37, 1000)]))
            _ = hasher.finalise()
        }
        #expect(hasher.finalise() == SHA256Digest(of: bytes))
    }

    @Test func hexadecimalComesBack() throws {
        let digest = SHA256Digest(of: [1, 2, 3])
        #expect(SHA256Digest(hex: digest.hex) == digest)
        #expect(SHA256Digest(hex: digest.hex.uppercased()) == digest)
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
        #expect(SHA256Digest(hex: String(digest.hex.dropLast())) == nil)
        #expect(SHA256Digest(hex: "g" + digest.hex.dropFirst()) == nil)
        #expect(SHA256Digest(bytes: [1]) == nil)
    }

    @Test func filesAreReadInPieces() throws {
        let bytes = [UInt8](repeating: 9, count: (1 << 20) * 2 + 5)
        try withTemporaryFolder { folder in
            try write(bytes, to: "\(folder)/file")
            var steps: [Int] = []
            let digest = try SHA256Digest(ofFileAt: "\(folder)/file") { done, total in
                steps.append(done)
                #expect(total == bytes.count)
            }
            #expect(digest == SHA256Digest(of: bytes))
            #expect(steps == [1 << 20, 2 << 20, bytes.count])
        }
    }

    @Test func unreadableFilesAreTypedErrors() {
        let absent = #expect(throws: DigestError.self) { try SHA256Digest(ofFileAt: "/nonexistent") }
        #expect(absent?.file == "/nonexistent" && absent?.what == "open")
        #expect(throws: DigestError.self) { try SHA256Digest(ofFileAt: "/tmp") }
    }

    @Test func theDefaultModelIsThePublishedFile() throws {
        let digest = try SHA256Digest(ofFileAt: DefaultModel.path())
        #expect(digest.hex == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
    }

    /// Runs parts backwards, so that nothing can lean on their order.
    private static func backwards(_ count: Int, _ part: @Sendable (Int) -> Void) {
        for index in (0..<count).reversed() { part(index) }
    }

    private static func file(_ bytes: [UInt8]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "skein-digest-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    @Test("one reading gives the digests of files and of slices, wherever windows cut them; slices alone have the same")
    func slicesOfFiles() throws {
        // Three windows of 4 MiB, the last one short.
        let bytes = (0..<(9 << 20) + 5).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        let files = [try Self.file(bytes), try Self.file(Array(bytes[..<100]))]
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        let ranges = [
            0..<bytes.count, 7..<8, (4 << 20) - 1..<(4 << 20) + 1, (4 << 20)..<(8 << 20), (8 << 20)..<bytes.count,
        ]
        let slices =
            ranges.reversed().map { FileSlice(file: files[0], range: $0) } + [FileSlice(file: files[1], range: 3..<50)]
        let expected =
            ranges.reversed().map { SHA256Digest(of: Array(bytes[$0])) } + [SHA256Digest(of: Array(bytes[3..<50]))]
        let both = try FileSlices.digests(ofFiles: files, and: slices, run: Self.backwards)
        #expect(both.files == [SHA256Digest(of: bytes), SHA256Digest(of: Array(bytes[..<100]))])
        #expect(both.slices == expected)
        #expect(try FileSlices.digests(of: slices, run: Self.backwards) == expected)
    }

    @Test("a slice beyond the end of its file, and a file that is not there, are errors that name it")
    func slicesThatAreNotThere() throws {
        let file = try Self.file([1, 2, 3])
        defer { try? FileManager.default.removeItem(atPath: file) }
        let beyond = [FileSlice(file: file, range: 1..<4)]
        #expect { try FileSlices.digests(of: beyond, run: Self.backwards) } throws: {
            ($0 as? DigestError)?.file == file && ($0 as? DigestError)?.what == "size"
        }
        #expect { try FileSlices.digests(ofFiles: [file], and: beyond, run: Self.backwards) } throws: {
            ($0 as? DigestError)?.what == "size"
        }
        #expect {
            try FileSlices.digests(of: [FileSlice(file: "/nowhere", range: 0..<1)], run: Self.backwards)
        } throws: {
            ($0 as? DigestError)?.what == "open"
        }
    }
}

import Digest
import ExpertStore
import Foundation
import Synchronization
import Testing

/// What a store takes in from somebody else.
@Suite struct ContentStoreTests {
    private static let partBytes = 1 << 20

    /// Serves a folder's expert in parts, as long as `spoil` leaves them alone.
    private final class Sender: ContentSource {
        let stored: StoredExpert
        let spoil: @Sendable (ContentPiece) -> ContentPiece
        let waiting = Mutex<[(String, UInt64)]>([])
        let outMax = Mutex(0)

        init(_ stored: StoredExpert, spoil: @escaping @Sendable (ContentPiece) -> ContentPiece = { $0 }) {
            self.stored = stored
            self.spoil = spoil
        }

        func ask(_ file: String, offset: UInt64) {
            let out = waiting.withLock { waiting in
                waiting.append((file, offset))
                return waiting.count
            }
            outMax.withLock { $0 = max($0, out) }
        }

        func next() throws(ExpertStoreError) -> ContentPiece {
            let (file, offset) = waiting.withLock { $0.removeFirst() }
            return spoil(try stored.piece(file, offset: offset, bytesMax: ContentStoreTests.partBytes))
        }
    }

    private let folder = "/tmp/skein-content-\(UUID().uuidString.prefix(8))"
    private let french: StoredExpert
    private var hash: String { french.manifest.contentHash.hex }

    init() throws { french = try StoredExpert(folder: "\(ShippedExperts.folder)/french") }

    @Test func whatComesIsWhatWasSent() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = ContentStore(folder: folder)
        #expect(store.find(hash, name: "french") == nil)
        let sender = Sender(french)
        let taken = try store.take(hash, name: "french", from: sender)
        try taken.verify()
        #expect(taken.manifest == french.manifest)
        #expect(store.find(hash, name: "french")?.folder == taken.folder)
        // Credit bounds what is on its way; taken twice it costs nothing.
        #expect(sender.outMax.withLock { $0 } <= 4 && sender.outMax.withLock { $0 } > 1)
        #expect(
            try store.take(hash, name: "french", from: Sender(french) { _ in fatalError("asked again") }).folder
                == taken.folder)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [hash], "something is left over")
    }

    @Test func aPieceHasOnlyWhatTheManifestLists() throws {
        #expect(try french.piece("expert.yaml", offset: 3, bytesMax: 5).bytes.count == 5)
        for file in ["../german/adapter_model.safetensors", "nothing", "", ".."] {
            #expect(throws: ExpertStoreError.self) { try french.piece(file, offset: 0, bytesMax: 5) }
        }
        #expect(throws: ExpertStoreError.self) { try french.piece("expert.yaml", offset: 1 << 40, bytesMax: 5) }
    }

    @Test(arguments: ["otherFile", "otherOffset", "grows", "endless", "empty", "tooMuch"])
    func aSenderThatGoesAstrayIsRefused(how: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sender = Sender(french) { piece in
            guard piece.file == "adapter_model.safetensors", piece.offset > 0 || how == "endless" else { return piece }
            var (file, offset, size, bytes) = (piece.file, piece.offset, piece.size, piece.bytes)
            switch how {
            case "otherFile": file = "adapter_config.json"
            case "otherOffset": offset += 1
            case "grows": size += 1
            case "endless": size = 1 << 50
            case "empty": bytes = []
            default: bytes += [UInt8](repeating: 0, count: 8 << 20)
            }
            return ContentPiece(file: file, offset: offset, size: size, bytes: bytes)
        }
        let store = ContentStore(folder: folder)
        #expect(throws: ExpertStoreError.self) { try store.take(hash, name: "french", from: sender) }
        #expect(store.find(hash, name: "french") == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func anotherContentThanTheOneNamedIsRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = ContentStore(folder: folder)
        let other = SHA256Digest(of: [1]).hex
        let error = #expect(throws: ExpertStoreError.self) {
            try store.take(other, name: "french", from: Sender(french))
        }
        #expect(error?.reason == .hashMismatch)
        #expect(throws: ExpertStoreError.self) { try store.take(hash, name: "german", from: Sender(french)) }
        // Bytes that are not what the manifest says never get into the store.
        let spoilt = Sender(french) { piece in
            guard piece.file == "adapter_model.safetensors" else { return piece }
            var bytes = piece.bytes
            bytes[bytes.count - 1] ^= 1
            return ContentPiece(file: piece.file, offset: piece.offset, size: piece.size, bytes: bytes)
        }
        let changed = #expect(throws: ExpertStoreError.self) { try store.take(hash, name: "french", from: spoilt) }
        #expect(changed?.reason == .hashMismatch && changed?.file == "french/adapter_model.safetensors")
        #expect(store.find(hash, name: "french") == nil)
    }

    /// A folder of the store that was last used some time ago.
    private func make(_ name: String, secondsAgo: Double) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)/x", withIntermediateDirectories: true)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: "\(folder)/\(name)")
    }

    @Test func whatNobodyNamesAndNobodyUsedForAWhileGoes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = ContentStore(folder: folder)
        let old = SHA256Digest(of: [1]).hex, young = SHA256Digest(of: [2]).hex, named = SHA256Digest(of: [3]).hex
        let second = ContentStore.unusedSeconds
        try make(old, secondsAgo: second + 1)
        try make(named, secondsAgo: 1e6)
        try make(young, secondsAgo: second / 2)
        // What a transfer that broke off has left; one that goes on; and what somebody else has put there.
        try make(".\(old.prefix(12))-0A1B2C3D", secondsAgo: second + 1)
        try make(".\(young.prefix(12))-0A1B2C3D", secondsAgo: 0)
        for name in [".git", "notes", "\(old)x", ".notes-1"] { try make(name, secondsAgo: 1e6) }
        #expect(store.clean(keeping: [named]) == [old])
        let left = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(
            Set(left) == [
                named, young, ".\(young.prefix(12))-0A1B2C3D", ".git", "notes", "\(old)x", ".notes-1",
            ])
    }

    @Test func whatWasFoundCountsAsUsed() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = ContentStore(folder: folder)
        _ = try store.take(hash, name: "french", from: Sender(french))
        try make(hash, secondsAgo: 1e6)
        _ = try #require(store.find(hash, name: "french"))
        #expect(store.clean(keeping: []).isEmpty)
        try make(hash, secondsAgo: 1e6)
        #expect(store.clean(keeping: []) == [hash])
        #expect(store.find(hash, name: "french") == nil)
    }
}

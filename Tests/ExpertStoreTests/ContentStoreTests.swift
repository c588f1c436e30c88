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
        // Bytes that are not what the manifest says show when the expert is loaded.
        let spoilt = Sender(french) { piece in
            guard piece.file == "adapter_model.safetensors" else { return piece }
            var bytes = piece.bytes
            bytes[bytes.count - 1] ^= 1
            return ContentPiece(file: piece.file, offset: piece.offset, size: piece.size, bytes: bytes)
        }
        let taken = try store.take(hash, name: "french", from: spoilt)
        #expect(throws: ExpertStoreError.self) { try taken.verify() }
    }
}

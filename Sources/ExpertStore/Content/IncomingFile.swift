import Foundation
import SystemReasons

/// One file on its way into a content store. With credit for a few parts: the next ones are asked for while one is written.
struct IncomingFile {
    private let name: String
    private let path: String
    private let bytesMax: UInt64

    init(_ name: String, in folder: String, bytesMax: UInt64) {
        self.name = name
        path = "\(folder)/\(name)"
        self.bytesMax = bytesMax
    }

    func take(from source: some ContentSource) throws(ExpertStoreError) {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forWritingAtPath: path)
        else { throw error(.unreadable, "cannot be written") }
        defer { try? file.close() }
        source.ask(name, offset: 0)
        // The first part tells how long the file is, and how long a part.
        let first = try source.next()
        guard first.size <= bytesMax else { throw error(.malformed, "has \(first.size) bytes, at most \(bytesMax)") }
        try write(first, at: 0, of: first.size, to: file)
        var written = UInt64(first.bytes.count), asked = written, out = 0
        while written < first.size {
            while out < ContentStore.creditMax, asked < first.size {
                source.ask(name, offset: asked)
                asked += UInt64(first.bytes.count)
                out += 1
            }
            let part = try source.next()
            out -= 1
            try write(part, at: written, of: first.size, to: file)
            written += UInt64(part.bytes.count)
        }
    }

    private func write(
        _ part: ContentPiece, at offset: UInt64, of size: UInt64, to file: FileHandle
    ) throws(ExpertStoreError) {
        guard part.file == name, part.offset == offset, part.size == size else {
            throw error(
                .malformed, "\(part.file) at \(part.offset) of \(part.size) came, \(offset) of \(size) was asked for")
        }
        guard offset + UInt64(part.bytes.count) <= size, !part.bytes.isEmpty || size == 0 else {
            throw error(.malformed, "\(part.bytes.count) bytes came at \(offset) of \(size)")
        }
        do { try file.write(contentsOf: part.bytes) } catch {
            throw self.error(.unreadable, "cannot be written: \(SystemReason.text(of: error))")
        }
    }

    private func error(_ reason: ExpertStoreError.Reason, _ detail: String) -> ExpertStoreError {
        ExpertStoreError(reason, file: path, field: "transfer", detail)
    }
}

extension StoredExpert {
    /// A part of one of its files, for somebody who takes the expert in.
    ///
    /// - Throws: for a file that the manifest does not list.
    package func piece(_ file: String, offset: UInt64, bytesMax: Int) throws(ExpertStoreError) -> ContentPiece {
        let path = "\(folder)/\(file)"
        guard file == ExpertManifest.fileName || manifest.files[file] != nil else {
            throw ExpertStoreError(.missing, file: path, field: "file", "the manifest of \(name) does not list it")
        }
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            let size = try handle.seekToEnd()
            guard offset <= size else {
                throw ExpertStoreError(.malformed, file: path, field: "offset", "is \(offset) of \(size) bytes")
            }
            try handle.seek(toOffset: offset)
            let bytes = try handle.read(upToCount: bytesMax) ?? Data()
            return ContentPiece(file: file, offset: offset, size: size, bytes: [UInt8](bytes))
        } catch let error as ExpertStoreError {
            throw error
        } catch {
            throw ExpertStoreError(.unreadable, file: path, field: "file", SystemReason.text(of: error))
        }
    }
}

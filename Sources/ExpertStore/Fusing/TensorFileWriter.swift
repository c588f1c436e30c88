import Foundation
import SystemReasons

/// Writes a safetensors file of any size tensor by tensor, in the order that was announced. The file appears when it is whole.
final class TensorFileWriter {
    struct Entry {
        let name: String
        let shape: [Int]

        var elements: Int { shape.reduce(1, *) }
    }

    enum Element: String {
        case half = "F16"
        case single = "F32"

        var bytes: Int { self == .half ? 2 : 4 }
    }

    private let path: String
    private let partial: URL
    private let handle: FileHandle
    private let entries: [Entry]
    private let element: Element
    private var next = 0

    /// Whole and in place, header included.
    let byteCount: Int

    init(path: String, _ entries: [Entry], as element: Element) throws(ExpertStoreError) {
        self.path = path
        self.entries = entries
        self.element = element
        partial = URL(filePath: path + ".partial")
        let header = Self.header(entries, element)
        byteCount = header.count + entries.reduce(0) { $0 + $1.elements * element.bytes }
        do {
            try header.write(to: partial)
            handle = try FileHandle(forWritingTo: partial)
            try handle.seekToEnd()
        } catch { throw Self.unwritable(path, error) }
    }

    /// The next tensor announced; refuses what the file's type cannot hold.
    func append(_ name: String, _ values: [Float]) throws(ExpertStoreError) {
        precondition(next < entries.count && entries[next].name == name, "\(name) is not the tensor announced")
        precondition(values.count == entries[next].elements, "\(name): \(values.count) values")
        next += 1
        let data = element == .half ? try halves(name, values) : unsafe values.withUnsafeBytes { unsafe Data($0) }
        do { try handle.write(contentsOf: data) } catch { throw Self.unwritable(path, error) }
    }

    func finish() throws(ExpertStoreError) {
        precondition(next == entries.count, "\(path): \(entries.count - next) tensors are missing")
        do {
            try handle.synchronize()
            try handle.close()
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(at: partial, to: URL(filePath: path))
        } catch { throw Self.unwritable(path, error) }
    }

    private func halves(_ name: String, _ values: [Float]) throws(ExpertStoreError) -> Data {
        let halves = values.map { Float16($0) }
        guard halves.allSatisfy(\.isFinite) else {
            throw ExpertStoreError(
                .unsupported, file: path, field: name, "has a value that F16 cannot hold; write F32 (--f32)")
        }
        return unsafe halves.withUnsafeBytes { unsafe Data($0) }
    }

    /// Length and header, padded so that the data begin at a multiple of 8. Names need no escapes: they are those of tensors.
    private static func header(_ entries: [Entry], _ element: Element) -> Data {
        var offset = 0
        let members = entries.map { entry in
            let end = offset + entry.elements * element.bytes
            defer { offset = end }
            return "\"\(entry.name)\":{\"dtype\":\"\(element.rawValue)\",\"shape\":\(entry.shape),"
                + "\"data_offsets\":[\(offset),\(end)]}"
        }
        var text = "{\"__metadata__\":{\"format\":\"pt\"}," + members.joined(separator: ",") + "}"
        text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
        let length = UInt64(text.utf8.count)
        return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }) + Data(text.utf8)
    }

    private static func unwritable(_ path: String, _ error: any Error) -> ExpertStoreError {
        ExpertStoreError(.unreadable, file: path, field: "file", "cannot be written (\(SystemReason.text(of: error)))")
    }
}

import Foundation
import Messaging
import SystemReasons

// What an operator publishes may be on the operator's machine alone: the router asks for its files, part by part.
extension ClientLoop {
    /// Only files of the folder that is being published at this moment, and only for its content.
    mutating func offer(_ request: ContentRequest) {
        let folder = requests.lazy.compactMap { pending -> String? in
            guard case .change(let change, let content) = pending.kind, change.change == .publish,
                change.sha256 == request.sha256
            else { return nil }
            return content
        }.first
        let (part, bytes) = OfferedContent.read(request, in: folder)
        guard let envelope = try? Envelope(part, bytes: bytes) else { return }
        _ = port.send(envelope, on: Self.front)
    }
}

private enum OfferedContent {
    static func read(_ request: ContentRequest, in folder: String?) -> (ContentPart, [UInt8]) {
        var part = ContentPart(sha256: request.sha256, file: request.file, offset: request.offset)
        guard let folder else { return refuse(part, "this client publishes nothing with that content") }
        // A plain name cannot lead out of the folder.
        guard !request.file.isEmpty, !request.file.hasPrefix("."), !request.file.contains("/") else {
            return refuse(part, "\(request.file) is no plain name of a file")
        }
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: "\(folder)/\(request.file)"))
            defer { try? file.close() }
            part.size = try file.seekToEnd()
            try file.seek(toOffset: min(request.offset, part.size))
            return (part, [UInt8](try file.read(upToCount: ContentPart.bytesMax) ?? Data()))
        } catch {
            return refuse(part, "\(folder)/\(request.file) cannot be read: \(SystemReason.text(of: error))")
        }
    }

    private static func refuse(_ part: ContentPart, _ message: String) -> (ContentPart, [UInt8]) {
        var part = part
        (part.kind, part.message) = (.unfitExpert, message)
        return (part, [])
    }
}

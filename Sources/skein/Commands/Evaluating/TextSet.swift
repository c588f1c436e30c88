import Foundation
import Tokenization

/// Texts of one kind, as token ids: a file of JSON lines `{"text"}` or `{"messages"}`, with `"split"` and `"segments"` where there are.
struct TextSet {
    /// Tokens of one document that come from one source; only of mixed documents there is more than one.
    struct Segment {
        let domain: String
        /// Indices into the document's ids.
        let range: Range<Int>
    }

    struct Document {
        let ids: [Int32]
        let segments: [Segment]
    }

    let name: String
    let documents: [Document]

    private struct Line: Decodable {
        struct Message: Decodable {
            let role, content: String
        }

        struct Part: Decodable {
            let domain, text: String
        }

        let split: String?
        let text: String?
        let messages: [Message]?
        let segments: [Part]?
    }

    /// The documents of a split, each cut to its first `tokensMax` tokens; those with fewer than two are left out.
    init(path: String, split: String?, documentsMax: Int, tokensMax: Int, text: ModelText) throws {
        name = URL(filePath: path).deletingPathExtension().lastPathComponent
        var documents: [Document] = []
        let content = String(decoding: try InputFile.bytes(path), as: UTF8.self)
        for (index, line) in content.split(separator: "\n").enumerated() where documents.count < documentsMax {
            let parsed: Line
            do { parsed = try JSONDecoder().decode(Line.self, from: Data(line.utf8)) } catch {
                throw CommandFailure.usage(
                    "\(path), line \(index + 1): not a JSON object with \"text\" or \"messages\"")
            }
            guard split == nil || parsed.split == nil || parsed.split == split else { continue }
            let document = try Self.document(parsed, tokensMax, text, "\(path), line \(index + 1)")
            if document.ids.count > 1 { documents.append(document) }
        }
        guard !documents.isEmpty else {
            throw CommandFailure.usage("\(path): no document\(split.map { " of the split \($0)" } ?? "") to read")
        }
        self.documents = documents
    }

    /// Every `.jsonl` file of a folder, by name.
    static func files(in folder: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw CommandFailure.usage("\(folder): no such folder; deploy/fetch-texts.sh rebuilds the texts in texts/")
        }
        return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { "\(folder)/\($0)" }
    }

    private static func document(
        _ line: Line, _ tokensMax: Int, _ text: ModelText, _ place: String
    ) throws -> Document {
        if let messages = line.messages {
            let turns = try messages.map { message in
                guard let role = ChatRole(rawValue: message.role) else {
                    throw CommandFailure.usage("\(place): the role \"\(message.role)\"; use system, user or assistant")
                }
                return ChatMessage(role, message.content)
            }
            return Document(ids: Array(try text.encode(turns).prefix(tokensMax)), segments: [])
        }
        guard let whole = line.text else { throw CommandFailure.usage("\(place): no \"text\" and no \"messages\"") }
        let ids = Array(text.encode(raw: whole, parseSpecial: false).prefix(tokensMax))
        return Document(ids: ids, segments: segments(line.segments ?? [], ids, text.tokenizer))
    }

    /// A token belongs to the segment that its first byte lies in.
    private static func segments(_ parts: [Line.Part], _ ids: [Int32], _ tokenizer: Tokenizer) -> [Segment] {
        var segments: [Segment] = []
        var (token, byte, end) = (0, 0, 0)
        for part in parts {
            let first = token
            end += part.text.utf8.count
            while token < ids.count, byte < end {
                byte += tokenizer.decodeBytes([ids[token]], skippingSpecial: true).count
                token += 1
            }
            if token > first { segments.append(Segment(domain: part.domain, range: first..<token)) }
        }
        return segments
    }
}

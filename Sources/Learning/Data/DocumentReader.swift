import Digest
import Foundation
import SystemReasons
import Tokenization

/// Reads what a run learns from: plain text, or JSON lines of `{text}`, `{messages}` or `{prompt, completion}`, each with a
/// `split` of `train` or `held` where it matters.
package struct DocumentReader: Sendable {
    /// Of all files together.
    package static let bytesMax = 1 << 30

    let text: ModelText
    /// Stands behind every text and every completion.
    let separator: Int32

    /// - Throws: where the vocabulary has no token that ends a text.
    package init(_ text: ModelText, model: String) throws(LearningError) {
        let tokenizer = text.tokenizer
        let named = ["<|endoftext|>", "<|end_of_text|>", "</s>"].lazy.compactMap { tokenizer.addedToken($0)?.id }.first
        guard let separator = named ?? tokenizer.endOfSequence else {
            throw LearningError(.malformed, model, "its vocabulary has no token that ends a text")
        }
        self.text = text
        self.separator = separator
    }

    /// The documents of a file, or of every file of a folder that does not begin with a dot, by name.
    package func read(_ path: String) throws(LearningError) -> (documents: [TrainingDocument], hash: SHA256Digest) {
        var documents: [TrainingDocument] = []
        var hasher = SHA256()
        var total = 0
        for file in try Self.files(path) {
            let bytes = try Self.bytes(file)
            total += bytes.count
            guard total <= Self.bytesMax else {
                throw LearningError(.tooLong, file, "more than \(Self.bytesMax) bytes in all; give less")
            }
            hasher.update(bytes)
            documents += try self.documents(try Self.utf8(bytes, file), file)
        }
        guard !documents.isEmpty else { throw LearningError(.tooLittle, path, "holds no text to learn from") }
        return (documents, hasher.finalise())
    }

    package static func files(_ path: String) throws(LearningError) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw LearningError(.unreadable, path, "there is no such file or folder; is the path right?")
        }
        guard isFolder.boolValue else { return [path] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let files = names.filter { !$0.hasPrefix(".") }.sorted().map { "\(path)/\($0)" }.filter { file in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) && !isFolder.boolValue
        }
        guard !files.isEmpty else { throw LearningError(.tooLittle, path, "the folder holds no file") }
        return files
    }

    package static func bytes(_ file: String) throws(LearningError) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw LearningError(.unreadable, file, "cannot be read; is the path right?")
        }
        do { return Array(try handle.read(upToCount: bytesMax + 1) ?? Data()) } catch {
            throw LearningError(.unreadable, file, "cannot be read (\(SystemReason.text(of: error)))")
        }
    }

    /// Text must be text: a model or an archive given by mistake would train on noise.
    package static func utf8(_ bytes: [UInt8], _ file: String) throws(LearningError) -> String {
        if let zero = bytes.firstIndex(of: 0) {
            throw LearningError(.malformed, file, "byte \(zero) is zero: a binary file, not text; give text in UTF-8")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw LearningError(.malformed, file, "is not UTF-8; convert it (iconv -t UTF-8)")
        }
        return text
    }

    func documents(_ content: String, _ file: String) throws(LearningError) -> [TrainingDocument] {
        guard file.hasSuffix(".jsonl") else {
            let whole = content.trimmingCharacters(in: .whitespacesAndNewlines)
            return whole.isEmpty ? [] : [running(content, nil, file)]
        }
        var documents: [TrainingDocument] = []
        for (index, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy(\.isWhitespace) {
            documents.append(try document(line, "\(file), line \(index + 1)"))
        }
        return documents
    }

    /// Text as it stands, every token of it a target, and the separator behind it.
    private func running(_ content: String, _ isHeld: Bool?, _ place: String) -> TrainingDocument {
        let tokens = text.tokenizer.encode(content) + [separator]
        return TrainingDocument(
            tokens: tokens, isTarget: Array(repeating: true, count: tokens.count), isHeld: isHeld, isText: true,
            place: place)
    }

    private struct Line: Decodable {
        struct Message: Decodable {
            let role, content: String
        }

        let split, text, prompt, completion: String?
        let messages: [Message]?
    }

    private func document(_ line: Substring, _ place: String) throws(LearningError) -> TrainingDocument {
        let parsed: Line
        do { parsed = try JSONDecoder().decode(Line.self, from: Data(line.utf8)) } catch {
            throw LearningError(
                .malformed, place, "not a JSON object with \"text\", \"messages\", or \"prompt\" and \"completion\"")
        }
        let isHeld = try Self.isHeld(parsed.split, place)
        if let messages = parsed.messages { return try conversation(messages, isHeld, place) }
        if let prompt = parsed.prompt, let completion = parsed.completion {
            let (head, answer) = (text.encode(raw: prompt, parseSpecial: false), text.tokenizer.encode(completion))
            return TrainingDocument(
                tokens: head + answer + [separator],
                isTarget: head.map { _ in false } + answer.map { _ in true } + [true], isHeld: isHeld, isText: false,
                place: place)
        }
        guard let content = parsed.text else {
            throw LearningError(
                .malformed, place, "has neither \"text\" nor \"messages\" nor \"prompt\" and \"completion\"")
        }
        return running(content, isHeld, place)
    }

    package static func isHeld(_ split: String?, _ place: String) throws(LearningError) -> Bool? {
        switch split {
        case nil: nil
        case "train": false
        case "held", "test", "validation": true
        case .some(let other): throw LearningError(.malformed, place, "the split \"\(other)\"; use train or held")
        }
    }

    private func conversation(
        _ messages: [Line.Message], _ isHeld: Bool?, _ place: String
    ) throws(LearningError) -> TrainingDocument {
        var turns: [ChatMessage] = []
        for message in messages {
            guard let role = ChatRole(rawValue: message.role) else {
                throw LearningError(
                    .malformed, place, "the role \"\(message.role)\"; use system, user or assistant")
            }
            turns.append(ChatMessage(role, message.content))
        }
        do { return try Conversation(turns, text).document(isHeld, place) } catch {
            throw LearningError(.malformed, place, error.description)
        }
    }
}

import Digest
import Foundation
import Tokenization

/// What a master learns from: JSON lines of `{"query", "token"}`, with `"rewrite"`, the query as the node is to get it, and `"split"` where
/// there are.
package struct FunctionalExamples: Sendable {
    package struct Example: Sendable, Equatable {
        package let query, token: String
        package let rewrite: String?
        package let isHeld: Bool?
        package let place: String
    }

    package let examples: [Example]
    package let hash: SHA256Digest

    /// In the order in which the file names them first.
    package var tokens: [String] {
        var seen: Set<String> = []
        return examples.map(\.token).filter { seen.insert($0).inserted }
    }

    private struct Line: Decodable {
        let query, token: String
        let rewrite, split: String?
    }

    /// - Parameter path: a file, or a folder of them.
    package init(path: String) throws(LearningError) {
        var examples: [Example] = []
        var hasher = SHA256()
        for file in try DocumentReader.files(path) {
            let bytes = try DocumentReader.bytes(file)
            hasher.update(bytes)
            let content = try DocumentReader.utf8(bytes, file)
            for (index, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where !line.allSatisfy(\.isWhitespace) {
                examples.append(try Self.example(line, "\(file), line \(index + 1)"))
            }
        }
        guard !examples.isEmpty else { throw LearningError(.tooLittle, path, "holds no example to learn from") }
        self.examples = examples
        hash = hasher.finalise()
    }

    private static func example(_ line: Substring, _ place: String) throws(LearningError) -> Example {
        let parsed: Line
        do { parsed = try JSONDecoder().decode(Line.self, from: Data(line.utf8)) } catch {
            throw LearningError(.malformed, place, "not a JSON object with \"query\" and \"token\" as texts")
        }
        guard !parsed.query.isEmpty, isToken(parsed.token) else {
            throw LearningError(
                .malformed, place,
                "the query is empty or \"\(parsed.token)\" is no functional token: 1 to 64 bytes without white space")
        }
        return Example(
            query: parsed.query, token: parsed.token, rewrite: parsed.rewrite,
            isHeld: try DocumentReader.isHeld(parsed.split, place), place: place)
    }

    package static func isToken(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.contains(where: \.isWhitespace)
    }

    /// Prompt, functional token, rewrite, end of the turn; all from the functional token on are targets.
    ///
    /// - Parameters:
    ///   - ids: of every functional token.
    ///   - end: the token that ends a turn.
    ///   - argument: a rewrite as a master writes it.
    package func documents(
        _ text: ModelText, ids: [String: Int32], end: Int32, argument: (String) -> [UInt8]
    ) throws(LearningError) -> [TrainingDocument] {
        var documents: [TrainingDocument] = []
        for example in examples {
            guard let id = ids[example.token] else {
                throw LearningError(.mismatch, example.place, "the token \(example.token) is not one of the master's")
            }
            let prompt: [Int32]
            do { prompt = try text.encode(MasterPrompt.messages(for: example.query)) } catch {
                throw LearningError(.malformed, example.place, error.description)
            }
            let answer = [id] + (example.rewrite.map { text.tokenizer.encode(bytes: argument($0)) } ?? []) + [end]
            documents.append(
                TrainingDocument(
                    tokens: prompt + answer, isTarget: prompt.map { _ in false } + answer.map { _ in true },
                    isHeld: example.isHeld, isText: false, place: example.place))
        }
        return documents
    }
}

import Digest
import Foundation
import Inference
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

    /// How much of the rewrites is learned. They are many tokens and, being much like the query, soon known: beside them the one token
    /// that decides would count little.
    package struct RewriteShare: Sendable, Equatable, Codable {
        /// Of the examples that have a rewrite so many, which the seed chooses, are learned with it; the others end at the functional token.
        package var share = 1.0
        /// What each token behind the functional one counts, which counts 1.
        package var weight: Float = 1
        package var seed: UInt64 = 0

        package init(share: Double = 1, weight: Float = 1, seed: UInt64 = 0) {
            self.share = share
            self.weight = weight
            self.seed = seed
        }

        func takes(_ index: Int) -> Bool {
            share >= 1 || CounterRandom.uniform(seed: seed ^ 0x5245_5752, position: index) < share
        }
    }

    /// Prompt, functional token, rewrite, end of the turn; all from the functional token on are targets.
    ///
    /// - Parameters:
    ///   - ids: of every functional token.
    ///   - end: the token that ends a turn.
    ///   - argument: a rewrite as a master writes it.
    package func documents(
        _ text: ModelText, ids: [String: Int32], end: Int32, rewrites: RewriteShare = RewriteShare(),
        argument: (String) -> [UInt8]
    ) throws(LearningError) -> [TrainingDocument] {
        var documents: [TrainingDocument] = []
        for (index, example) in examples.enumerated() {
            guard let id = ids[example.token] else {
                throw LearningError(.mismatch, example.place, "the token \(example.token) is not one of the master's")
            }
            let prompt: [Int32]
            do { prompt = try text.encode(MasterPrompt.messages(for: example.query)) } catch {
                throw LearningError(.malformed, example.place, error.description)
            }
            var rest = (example.rewrite.map { text.tokenizer.encode(bytes: argument($0)) } ?? []) + [end]
            if example.rewrite != nil, !rewrites.takes(index) { rest = [] }
            documents.append(
                TrainingDocument(
                    tokens: prompt + [id] + rest,
                    weights: prompt.map { _ in 0 } + [1] + rest.map { _ in rewrites.weight },
                    isHeld: example.isHeld, isText: false, place: example.place))
        }
        return documents
    }
}

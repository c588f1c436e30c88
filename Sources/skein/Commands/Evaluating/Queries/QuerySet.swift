import Foundation
import SystemReasons
import Weights

/// Labelled queries, one a line: node, tab, query.
struct QuerySet {
    struct Query {
        let node: String
        let text: String
        /// From 1.
        let line: Int
    }

    let path: String
    let queries: [Query]

    static let bytesMax = 64 << 20
    /// Of one query; the whole line is refused.
    static let queryBytesMax = 100_000

    init(path: String) throws {
        let bytes = try InputFile.bytes(path, bytesMax: Self.bytesMax)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure.usage("\(path): is not UTF-8; save it as UTF-8")
        }
        self.path = path
        var queries: [Query] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy(\.isWhitespace) {
            queries.append(try Self.query(line, place: "\(path), line \(index + 1)", number: index + 1))
        }
        guard !queries.isEmpty else {
            throw CommandFailure.usage("\(path): no query in it; write lines of a node, a tab and a query")
        }
        self.queries = queries
    }

    private static func query(_ line: Substring, place: String, number: Int) throws -> Query {
        guard let tab = line.firstIndex(of: "\t") else {
            throw CommandFailure.usage("\(place): no tab; write the node, a tab, then the query")
        }
        let node = line[..<tab].trimmingCharacters(in: .whitespaces)
        let text = line[line.index(after: tab)...].trimmingCharacters(in: .whitespacesAndNewlines)
        guard !node.isEmpty, !text.isEmpty else {
            throw CommandFailure.usage("\(place): the \(node.isEmpty ? "node" : "query") is empty")
        }
        guard text.utf8.count <= queryBytesMax else {
            throw CommandFailure.usage("\(place): \(text.utf8.count) bytes, at most \(queryBytesMax) are a query")
        }
        return Query(node: node, text: text, line: number)
    }
}

/// Labelled examples that baselines learn from: the JSON lines that masters are trained on, those not marked for another split.
struct QueryExamples {
    struct Example: Decodable {
        let split: String?
        let token: String
        let query: String
    }

    let examples: [Example]

    init(path: String) throws {
        let bytes = try InputFile.bytes(path, bytesMax: QuerySet.bytesMax)
        var examples: [Example] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard let example = try? JSONDecoder().decode(Example.self, from: Data(line)) else {
                throw CommandFailure.usage(
                    "\(path), line \(index + 1): is no example; write {\"token\": \"<NAME>\", \"query\": \"…\"}")
            }
            if example.split ?? "train" == "train" { examples.append(example) }
        }
        guard !examples.isEmpty else { throw CommandFailure.usage("\(path): no example to learn from") }
        self.examples = examples
    }
}

/// What another program made of the same queries, run once and written down: `{"method", "nodes", "rows": [{"query", "shares"}]}`.
struct RecordedShares: Decodable {
    struct Row: Decodable {
        let query: String
        let shares: [Double]
    }

    let method: String
    let nodes: [String]
    let rows: [Row]

    static func read(_ path: String) throws -> RecordedShares {
        let bytes = try InputFile.bytes(path, bytesMax: QuerySet.bytesMax)
        do { return try JSONDecoder().decode(RecordedShares.self, from: Data(bytes)) } catch let error as DecodingError
        {
            throw CommandFailure.usage(
                "\(path): is not a record of shares: \(SystemReason.text(of: error)); see Benchmarks/queries/README.md")
        }
    }

    /// By query, the shares in the order of `names`.
    func shares(of names: [String], path: String) throws -> [String: [Double]] {
        guard Set(nodes) == Set(names) else {
            throw CommandFailure.usage(
                "\(path): has shares of \(nodes.sorted()), the master's nodes are \(names.sorted())")
        }
        let order = names.compactMap { nodes.firstIndex(of: $0) }
        var found: [String: [Double]] = [:]
        for row in rows {
            guard row.shares.count == nodes.count, row.shares.allSatisfy({ (0...1).contains($0) }) else {
                throw CommandFailure.usage(
                    "\(path): the shares of \"\(row.query)\" are not \(nodes.count) numbers in 0 ... 1")
            }
            found[row.query] = order.map { row.shares[$0] }
        }
        return found
    }
}

import Digest
import Foundation
import SystemReasons
import Weights

/// `<store>/<trunk>/calibration.json`: the null expert's score tau per site, for ordered sets of experts. Another set has
/// other scores, so an entry is found by the set's hash and the method that scored.
package struct CalibrationFile: Sendable, Equatable {
    package static let fileName = "calibration.json"
    package static let format = 1
    private static let entriesMax = 1024

    package struct Entry: Sendable, Equatable {
        /// `ExpertStore.setHash`.
        package let setHash: SHA256Digest
        /// The scores' method, such as `phatgoose`.
        package let method: String
        /// Ids of the set's experts in its order, for people.
        package let experts: [String]
        /// What the text was, for people.
        package let text: String
        /// Tokens that were scored.
        package let tokens: Int
        /// Of the top score at each site, in 0...1.
        package let percentile: Double
        /// tau by site, in the method's own scores.
        package let thresholds: [String: Double]

        package init(
            setHash: SHA256Digest, method: String, experts: [String], text: String, tokens: Int, percentile: Double,
            thresholds: [String: Double]
        ) {
            self.setHash = setHash
            self.method = method
            self.experts = experts
            self.text = text
            self.tokens = tokens
            self.percentile = percentile
            self.thresholds = thresholds
        }
    }

    /// The common expert of a set: the mean of its adapters, truncated, in `_common/` beside the experts.
    package struct Common: Sendable, Equatable {
        package let setHash: SHA256Digest
        /// Of its `adapter_model.safetensors`.
        package let hash: SHA256Digest
        package let rank: Int
        /// Σ_kept σ² / Σ σ² over all sites.
        package let energyKept: Double

        package init(setHash: SHA256Digest, hash: SHA256Digest, rank: Int, energyKept: Double) {
            self.setHash = setHash
            self.hash = hash
            self.rank = rank
            self.energyKept = energyKept
        }
    }

    package let trunkHash: SHA256Digest
    package private(set) var entries: [Entry]
    package var common: Common?

    package init(trunkHash: SHA256Digest, entries: [Entry] = [], common: Common? = nil) {
        self.trunkHash = trunkHash
        self.entries = entries
        self.common = common
    }

    package func entry(setHash: SHA256Digest, method: String) -> Entry? {
        entries.first { $0.setHash == setHash && $0.method == method }
    }

    /// Puts an entry in the place of the one for the same set and method.
    package mutating func record(_ entry: Entry) {
        entries.removeAll { $0.setHash == entry.setHash && $0.method == entry.method }
        entries.append(entry)
    }

    /// Reads the file at `path`.
    package init(path: String) throws(ExpertStoreError) {
        let json = try readingWeights { () throws(WeightsError) in try JSONValue(path: path) }
        func malformed(_ field: String, _ detail: String) -> ExpertStoreError {
            ExpertStoreError(.malformed, file: path, field: field, detail)
        }
        guard json["format"]?.integerValue == Self.format else { throw malformed("format", "is not \(Self.format)") }
        guard let hash = json["trunk_sha256"]?.textValue.flatMap(SHA256Digest.init(hex:)) else {
            throw malformed("trunk_sha256", "is not a SHA-256")
        }
        guard let values = json["entries"]?.arrayValue, values.count <= Self.entriesMax else {
            throw malformed("entries", "is not a list of at most \(Self.entriesMax)")
        }
        var entries: [Entry] = []
        for (index, value) in values.enumerated() {
            guard let entry = Entry(value) else {
                throw malformed("entries[\(index)]", "lacks a field or has a wrong one")
            }
            entries.append(entry)
        }
        var common: Common?
        if let value = json["common"] {
            guard let read = Common(value) else { throw malformed("common", "lacks a field or has a wrong one") }
            common = read
        }
        self.init(trunkHash: hash, entries: entries, common: common)
    }

    /// Writes the file at `path`, replacing it in one step.
    package func write(to path: String) throws(ExpertStoreError) {
        let document = Document(
            format: Self.format, trunkSha256: trunkHash.hex,
            entries: entries.sorted { ($0.setHash.hex, $0.method) < ($1.setHash.hex, $1.method) }.map(\.document),
            common: common.map {
                .init(setSha256: $0.setHash.hex, sha256: $0.hash.hex, rank: $0.rank, energyKept: $0.energyKept)
            })
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            try encoder.encode(document).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw ExpertStoreError(.unreadable, file: path, field: "write", SystemReason.text(of: error))
        }
    }

    /// The file's keys, in camel case.
    fileprivate struct Document: Encodable {
        struct Entry: Encodable {
            let setSha256: String
            let method: String
            let experts: [String]
            let text: String
            let tokens: Int
            let percentile: Double
            let tau: [String: Double]
        }

        struct Common: Encodable {
            let setSha256: String
            let sha256: String
            let rank: Int
            let energyKept: Double
        }

        let format: Int
        let trunkSha256: String
        let entries: [Entry]
        let common: Common?
    }
}

extension CalibrationFile.Common {
    fileprivate init?(_ value: JSONValue) {
        guard let set = value["set_sha256"]?.textValue.flatMap(SHA256Digest.init(hex:)),
            let hash = value["sha256"]?.textValue.flatMap(SHA256Digest.init(hex:)),
            let rank = value["rank"]?.integerValue, rank > 0,
            let energy = value["energy_kept"]?.numberValue, (0...1).contains(energy)
        else { return nil }
        self.init(setHash: set, hash: hash, rank: rank, energyKept: energy)
    }
}

extension CalibrationFile.Entry {
    fileprivate var document: CalibrationFile.Document.Entry {
        .init(
            setSha256: setHash.hex, method: method, experts: experts, text: text, tokens: tokens,
            percentile: percentile,
            tau: thresholds)
    }

    fileprivate init?(_ value: JSONValue) {
        guard let hash = value["set_sha256"]?.textValue.flatMap(SHA256Digest.init(hex:)),
            let method = value["method"]?.textValue, let experts = value["experts"]?.arrayValue,
            let text = value["text"]?.textValue, let tokens = value["tokens"]?.integerValue,
            let percentile = value["percentile"]?.numberValue, let tau = value["tau"]?.objectValue
        else { return nil }
        let names = experts.compactMap(\.textValue)
        let thresholds = Dictionary(
            tau.compactMap { key, value in value.numberValue.map { (key.text, $0) } },
            uniquingKeysWith: { first, _ in first })
        guard names.count == experts.count, thresholds.count == tau.count, tokens >= 0, (0...1).contains(percentile)
        else { return nil }
        self.init(
            setHash: hash, method: method, experts: names, text: text, tokens: tokens, percentile: percentile,
            thresholds: thresholds)
    }
}

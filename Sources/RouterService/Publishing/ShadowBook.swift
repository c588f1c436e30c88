import Foundation
import Messaging

/// What shadows have done since they were published, over restarts of their trunks and of the router: a file in the cluster's folder.
/// A trunk counts from 0 in each run of its own; what earlier runs have counted is added to what the present one says.
package struct ShadowBook: Sendable {
    /// One shadow's counts.
    private struct Entry: Codable, Sendable {
        var expert: String
        var run: UInt64
        var texts: UInt64 = 0
        var tokens: UInt64 = 0
        /// Nats, over all tokens.
        var change = 0.0
        /// Of the share, over all tokens.
        var won = 0.0
        var liveRows: UInt64 = 0
        var liveWon = 0.0

        init(_ report: ShadowReport) {
            (expert, run) = (report.expert, report.run)
            (texts, tokens) = (report.texts, report.tokens)
            (change, won) = (report.nllChange * Double(report.tokens), report.share * Double(report.tokens))
            (liveRows, liveWon) = (report.liveRows, report.liveShare * Double(report.liveRows))
        }

        mutating func add(_ other: Entry) {
            (texts, tokens, liveRows) = (texts + other.texts, tokens + other.tokens, liveRows + other.liveRows)
            (change, won, liveWon) = (change + other.change, won + other.won, liveWon + other.liveWon)
        }

        func report(_ model: String) -> ShadowReport {
            ShadowReport(
                model: model, expert: expert, texts: texts, tokens: tokens,
                nllChange: change / Double(max(1, tokens)), share: won / Double(max(1, tokens)), liveRows: liveRows,
                liveShare: liveWon / Double(max(1, liveRows)), run: run)
        }
    }

    private struct Counts: Codable, Sendable {
        /// By model: what earlier runs have counted.
        var former: [String: Entry] = [:]
        /// By model: what the present one says.
        var present: [String: Entry] = [:]
    }

    private let path: String
    private var counts = Counts()

    /// A file that cannot be read is as good as none: these are counts, not decisions.
    package init(path: String) {
        self.path = path
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return }
        counts = (try? JSONDecoder().decode(Counts.self, from: data)) ?? Counts()
    }

    package mutating func add(_ report: ShadowReport) {
        let entry = Entry(report), model = report.model
        if let old = counts.former[model], old.expert != entry.expert { counts.former[model] = nil }
        if let last = counts.present[model], last.expert == entry.expert, last.run != entry.run {
            keep(last, of: model)
        }
        counts.present[model] = entry
        save()
    }

    package mutating func forget(_ model: String) {
        (counts.former[model], counts.present[model]) = (nil, nil)
        save()
    }

    package func report(of expert: String, _ model: String) -> ShadowReport? {
        total(model).flatMap { $0.expert == expert ? $0.report(model) : nil }
    }

    private mutating func keep(_ entry: Entry, of model: String) {
        var sum = entry
        if let old = counts.former[model] { sum.add(old) }
        counts.former[model] = sum
    }

    private func total(_ model: String) -> Entry? {
        guard var sum = counts.present[model] else { return nil }
        if let old = counts.former[model], old.expert == sum.expert { sum.add(old) }
        return sum
    }

    private func save() {
        guard let data = try? JSONEncoder().encode(counts) else { return }
        try? data.write(to: URL(filePath: path), options: .atomic)
    }
}

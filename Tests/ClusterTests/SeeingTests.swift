import Client
import Foundation
import Messaging
import Testing
import Topology

#if canImport(FoundationXML)
    import FoundationXML
#endif

extension ClusterTests {
    /// What decided is visible: statistics by site, tokens by expert, receipts.
    @Suite("Seeing what tokens chose") struct SeeingTests {
        @Test(
            "single experts, traced and counted: every token and every site is theirs; the shares sum to what they say")
        func traceAndStatistics() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            for name in ["french", "swift"] {
                var reading = Reading(
                    client.submit(RoutedCluster.query(6, route: RouteOptions(method: "single:\(name)"))))
                let final = try await reading.answer()
                let routed = try #require(final.routed)
                let place = try #require(routed.experts.firstIndex(of: name))
                #expect(routed.experts == RoutedCluster.names && routed.route?.method == "single:\(name)")
                #expect(routed.heaviest.allSatisfy { $0 == UInt32(place + 1) } && routed.shares.allSatisfy { $0 == 1 })
                // The last generated token is never read.
                #expect(routed.heaviest.count == Int(final.usage.promptTokens) + reading.tokens.count - 1)
                #expect(final.receipt?.prompt.count == Int(final.usage.promptTokens))
            }
            var reading = Reading(client.submit(RoutedCluster.query(12)))
            let final = try await reading.answer()
            let routed = try #require(final.routed)
            #expect(Set(routed.heaviest).count > 1 && routed.shares.allSatisfy { $0 > 0 && $0 <= 1 })
            let rows = UInt64(routed.heaviest.count)
            // The work's end is reported at once, but over another thread than the answer.
            #expect(
                try await eventually(withinSeconds: 10) { (try? await client.routing())?.sites.first?.rows == rows })
            let report = try await client.routing(model: "smollm2")
            #expect(report.setSHA256 == routed.setSHA256 && report.sites.count == 210)
            for site in report.sites {
                // Past the last layer's attention only rows go on whose logits are wanted: one for each generated token.
                let isPastLastAttention =
                    site.site.contains("layers.29.")
                    && !["q_proj", "k_proj", "v_proj"].contains { site.site.hasSuffix($0) }
                let rows = isPastLastAttention ? UInt64(reading.tokens.count) : rows
                #expect(site.rows == rows && site.chosen.reduce(0, +) == 2 * rows)
                #expect(abs(site.kept.reduce(0, +) - Double(rows)) < 1e-3 && site.keptNull == 0)
                #expect(abs(site.full.reduce(0, +) - Double(site.fullRows)) < 1e-3)
                #expect(site.heaviest.reduce(0, +) == rows && site.entropies.reduce(0, +) == site.fullRows)
            }
        }

        @Test("the commands: a table, a picture, a coloured trace without colours, and a receipt that replays")
        func commands() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            let none = try await cluster.run(["stats", "--topology", cluster.topology.path, "--site", "*"])
            #expect(none.code == 3 || none.code == 1, "\(none)")
            let folder = FileManager.default.temporaryDirectory.appending(path: "skein-\(QueryID.random())").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let asked = try await cluster.run([
                "query", "Bonjour, je", "--topology", cluster.topology.path, "--max-tokens", "12", "--trace",
                "--trace-svg",
                "\(folder)/trace.svg", "--receipt", "\(folder)/receipt.json",
            ])
            #expect(asked.code == 0, "\(asked.errors)")
            #expect(asked.errors.contains("kept after top-k") && !asked.errors.contains("\u{1B}["))
            let trace = try String(contentsOfFile: "\(folder)/trace.svg", encoding: .utf8)
            #expect(XMLParser(data: Data(trace.utf8)).parse() && trace.contains("<title>"))
            #expect(try await eventually(withinSeconds: 10) { (try? await client.routing()) != nil })
            let table = try await cluster.run([
                "stats", "--topology", cluster.topology.path, "--site", "*layers.0.*", "--plot", "\(folder)/sites.svg",
            ])
            #expect(table.code == 0 && table.output.split(separator: "\n").count == 7 + 3, "\(table)")
            let map = try String(contentsOfFile: "\(folder)/sites.svg", encoding: .utf8)
            #expect(XMLParser(data: Data(map.utf8)).parse())
            // Seven sites: eight experts, the null and sixteen parts of the entropy each.
            #expect(map.components(separatedBy: "<title>").count - 1 == 7 * 25)
            let replay = [
                "replay", "\(folder)/receipt.json", "--model", try Places.model(), "--experts", try Places.experts(),
                "--json",
            ]
            let same = try await cluster.run(replay)
            #expect(same.code == 0 && same.output.contains("\"isEqual\":true"), "\(same)")
            let without = try await cluster.run(replay + ["--without", "french"])
            #expect(without.code == 0 && without.output.contains("\"without\":[\"french\"]"), "\(without)")
            let exact = try await cluster.run(replay + ["--compute", "exact"])
            #expect(exact.code == 3 && exact.errors.contains("numerics"), "\(exact)")
            let missing = try await cluster.run(
                [
                    "replay", "\(folder)/receipt.json", "--model", try Places.model(), "--experts",
                    try Places.experts() + "/french",
                ])
            #expect(missing.code == 3 && missing.errors.contains("german"), "\(missing)")
        }
    }
}

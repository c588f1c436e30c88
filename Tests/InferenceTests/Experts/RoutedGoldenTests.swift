import Digest
import Foundation
import Gating
import Inference
import Kernels
import Testing
import Weights

/// Against torch, transformers and peft (Goldens/make_phatgoose_goldens.py).
@Suite("Routed experts against torch")
struct RoutedGoldenTests {
    @Test func theExpertsAreThoseOfTheGoldens() throws {
        let index = try RoutingGolden.read().index
        #expect(index.experts == TestExperts.names)
        for name in index.experts {
            let folder = TestExperts.folder.appending(path: name)
            for (file, hashes) in [
                ("adapter_model.safetensors", index.adapterSHA256), ("phatgoose_gates.safetensors", index.gatesSHA256),
            ] {
                #expect(try SHA256Digest(ofFileAt: folder.appending(path: file).path).hex == hashes[name])
            }
        }
    }

    /// On the reference's recorded inputs each site's choice agrees except where the gap of scores is under 1e-4.
    @Test(arguments: RoutingGolden.methods)
    func choicesAgreeOnRecordedInputs(method: String) throws {
        let golden = try RoutingGolden.read()
        let model = try TestModels.standard(.exact)
        let bank = try TestExperts.bank()
        let positions = golden.index.recorded.positions
        let origins = positions.map { RowOrigin(sequence: SequenceID(number: 7), position: Int32($0)) }
        try bank.admit(SequenceID(number: 7), route: RouteRequest(golden.route(method), traces: true))
        bank.prepare(origins)
        let context = ComputeContext(team: ComputeTeam(threads: 1))
        let inputs = ["attention", "output", "feedForward", "down"]
        for group in model.siteGroups.dropLast() {
            let u = try golden.halves("u.\(group.index / 4).\(inputs[group.index % 4])")
            let input = RowBuffer(rowsMax: positions.count, width: group.inputs)
            for row in positions.indices {
                input.withMutableRow(row) { for k in 0..<group.inputs { $0[k] = u[row * group.inputs + k] } }
            }
            let outputs = group.linears.map { RowBuffer(rowsMax: positions.count, width: $0.base.outputs).columns }
            let ticket = bank.begin(group, input: input.columns, origins: origins)
            for product in ticket.gates { context.multiply(input.columns, rows: positions.count, by: product) }
            try bank.collect(ticket, into: outputs)
        }
        let k = golden.index.methods[method]!.k
        let scores = try golden.floats("scores.\(golden.index.methods[method]!.route)")
        let found = bank.takeTrace(SequenceID(number: 7))
        #expect(found.count == 210 * positions.count)
        var exempt = 0
        for choice in found {
            let row = positions.firstIndex(of: Int(choice.position))!
            let first = (RoutingGolden.site(Int(choice.group), Int(choice.linear)) * positions.count + row) * 8
            let ranked = (0..<8).sorted { scores[first + $0] > scores[first + $1] }
            if scores[first + ranked[k - 1]] - scores[first + ranked[k]] < 1e-4 {
                exempt += 1
                continue
            }
            #expect(choice.experts == ranked.prefix(k).sorted().map { Int32($0) })
            let top = scores[first + ranked[0]]
            let parts = choice.experts.map { exp(Double(scores[first + Int($0)] - top)) }
            for (weight, part) in zip(choice.weights, parts) {
                #expect(abs(Double(weight) - part / parts.reduce(0, +)) < 1e-4)
            }
        }
        #expect(exempt < 10)
    }

    /// With the reference's choices replayed, logits within 2e-3.
    @Test(arguments: RoutingGolden.methods, ["french", "mixed"])
    func logitsAgreeWithChoicesReplayed(method: String, prompt: String) throws {
        let golden = try RoutingGolden.read()
        let choices = try golden.choices(prompt, method)
        let bank = try TestExperts.bank()
        bank.replay = { origin, group, linear in choices(group, linear, Int(origin.position)) }
        let logits = try last(golden.index.prompts[prompt]!.ids, bank, try golden.route(method))
        let expected = try golden.floats("\(prompt).\(method).logits")
        for (index, value) in expected.enumerated() {
            #expect(abs(logits[index * golden.index.logitStride] - value) < 2e-3)
        }
        let top = golden.index.tops[prompt]![method]!
        for (id, value) in zip(top.ids, top.values) { #expect(abs(logits[id] - value) < 2e-3) }
    }

    @Test(arguments: RoutingGolden.methods + ["trunk", "merged", "single:french"])
    func meanLikelihoodsAgreeFreeRunning(method: String) throws {
        let golden = try RoutingGolden.read()
        let route: RouteOptions =
            switch method {
            case "trunk": .off
            case "merged": RouteOptions(method: .merged)
            case "single:french": RouteOptions(method: .single("french"))
            default: try golden.route(method)
            }
        let score = try TestModels.standard(.exact).score(golden.index.nll.ids, TestExperts.shipped(), route)
        #expect(abs(score.meanNLL - golden.index.nll.mean[method]!) < 1e-3)
    }

    /// An adapter at some of the linears only, against peft.
    @Test func anAdapterOfQueriesAndKeysAgreesWithPeft() throws {
        let golden = try RoutingGolden.read()
        let peft = golden.index.peft
        let set = try TestExperts.load([("qk-only", RoutingGolden.folder.appending(path: "qk-only").path)])
        let logits = try last(
            golden.index.prompts[peft.prompt]!.ids, TestExperts.bank(set), RouteOptions(method: .single("qk-only")))
        let expected = try golden.floats("\(peft.prompt).qk-only.logits")
        for (index, value) in expected.enumerated() {
            #expect(abs(logits[index * golden.index.logitStride] - value) < 2e-3)
        }
        for (id, value) in zip(peft.ids, peft.values) { #expect(abs(logits[id] - value) < 2e-3) }
        #expect(peft.trunkDistance > 0.5)
    }

    private func last(_ ids: [Int32], _ bank: RoutedExpertBank, _ route: RouteOptions) throws -> [Float] {
        var last: [Float] = []
        _ = try TestModels.standard(.exact).score(
            ids, team: TestModels.team, bank: bank, route: RouteRequest(route),
            visit: { position, logits in
                if position == ids.count - 1 { last = logits.indices.map { logits[$0] } }
            })
        return last
    }
}

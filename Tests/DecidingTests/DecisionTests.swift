import Deciding
import Testing

@Suite("Deciding: from logits to a node")
struct DecisionTests {
    /// Nodes: 0 python, 1 french, 2 general, 3 unsafe.
    private var rules: DecisionRules {
        DecisionRules(
            kinds: [
                .answer(threshold: 0), .answer(threshold: 0), .answer(threshold: 0), .refusal(threshold: 0.5),
            ], general: 2)
    }

    /// A vocabulary of 100 plain tokens at `plain`, then the nodes' tokens.
    private func reading(_ logits: [Float], plain: Float = -10) throws -> MasterReading {
        let row = [Float](repeating: plain, count: 100) + logits
        return try MasterReading(row: row, functionalTokens: logits.indices.map { 100 + $0 })
    }

    @Test func massIsTheShareOfTheWholeVocabulary() throws {
        // 2 functional tokens among 8 equal ones.
        let reading = try MasterReading(row: [Float](repeating: 3, count: 8), functionalTokens: [1, 6])
        #expect(abs(reading.mass - 0.25) < 1e-12)
        #expect(reading.distribution(temperature: 1) == [0.5, 0.5])
        let certain = try MasterReading(row: [-.infinity, 1, .nan], functionalTokens: [1])
        #expect(certain.mass == 1)
    }

    @Test func aRowThatDoesNotFitIsRefused() {
        #expect(throws: MasterReading.Failure.noFunctionalToken) {
            try MasterReading(row: [1], functionalTokens: [])
        }
        #expect(throws: MasterReading.Failure.tokenOutsideVocabulary(node: 1, token: 9, vocabulary: 3)) {
            try MasterReading(row: [1, 2, 3], functionalTokens: [0, 9])
        }
        #expect(throws: MasterReading.Failure.notFinite(node: 0)) {
            try MasterReading(row: [.nan, 2, 3], functionalTokens: [0])
        }
    }

    @Test func theLikeliestNodeAnswersAndTiesGoToTheFirst() throws {
        #expect(Decision(try reading([1, 4, 2, 0]), rules).verdict == .go([1], because: .chosen))
        #expect(Decision(try reading([2, 2, 1, 0]), rules).verdict == .go([0], because: .chosen))
    }

    @Test func lowMassAbstainsToTheGeneralNode() throws {
        var rules = rules
        rules.massMin = 0.5
        let low = Decision(try reading([5, 1, 0, 9], plain: 12), rules)
        #expect(low.mass < 0.5 && low.verdict == .go([2], because: .abstained))
        #expect(Decision(try reading([5, 1, 0, 0], plain: -9), rules).verdict == .go([0], because: .chosen))
    }

    @Test func masksAndBiasesMoveSharesButNotTheUntouchedDistribution() throws {
        let reading = try reading([3, 2, 1, 0])
        let plain = Decision(reading, rules)
        var changed = rules
        changed.inPlay[0] = false
        changed.biases[2] = 2
        let decision = Decision(reading, changed)
        #expect(decision.untouched == plain.untouched)
        #expect(decision.verdict == .go([2], because: .chosen))
        #expect(decision.shares[0] == 0 && decision.shares[3] == 0)
        #expect(abs(decision.shares.reduce(0, +) - 1) < 1e-12)
        // A bias multiplies the odds by e^bias: z 1 + 2 against 2.
        #expect(abs(decision.shares[2] / decision.shares[1] - 2.718281828459045) < 1e-9)
    }

    @Test func aNewNodeLeavesTheOddsBetweenTheOthers() throws {
        let before = try reading([3, 1, 2]).distribution(temperature: 1.7)
        let after = try reading([3, 1, 2, 5]).distribution(temperature: 1.7)
        #expect(abs(before[0] / before[1] - after[0] / after[1]) < 1e-12)
    }

    @Test func aNodeUnderItsThresholdGivesWayToGeneral() throws {
        var rules = rules
        rules.kinds[0] = .answer(threshold: 0.9)
        #expect(Decision(try reading([2, -9, 1, 0]), rules).verdict == .go([2], because: .chosen))
        rules.kinds[2] = .answer(threshold: 0.9)
        rules.kinds[1] = .answer(threshold: 0.9)
        #expect(Decision(try reading([2, -9, 1, 0]), rules).verdict == .go([2], because: .underThresholds))
    }

    @Test func topKNamesTheBestFirst() throws {
        var rules = rules
        rules.top = 2
        #expect(Decision(try reading([1, 4, 2, 0]), rules).verdict == .go([1, 2], because: .chosen))
        rules.kinds[2] = .answer(threshold: 0.3)
        #expect(Decision(try reading([1, 4, 2, 0]), rules).verdict == .go([1, 0], because: .chosen))
    }

    @Test func withAllDownButOneItAnswersAndWithAllDownNobody() throws {
        var rules = rules
        rules.inPlay = [false, true, false, false]
        rules.kinds[1] = .answer(threshold: 0.99)
        rules.massMin = 0.9
        for plain: Float in [-10, 10] {
            for favourite in 0..<3 {
                var logits: [Float] = [0, 0, 0, 0]
                logits[favourite] = 6
                guard case .go([1], _) = Decision(try reading(logits, plain: plain), rules).verdict else {
                    Issue.record("favourite \(favourite), plain \(plain)")
                    continue
                }
            }
        }
        // A refusal is no service that can be down.
        #expect(Decision(try reading([0, 0, 0, 9], plain: -20), rules).verdict == .refuse(3))
        rules.inPlay[1] = false
        #expect(Decision(try reading([4, 0, 0, 0]), rules).verdict == .nobody)
    }

    @Test func raisingARefusalThresholdNeverRefusesMore() throws {
        var seed: UInt64 = 7
        func draw() -> Float {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(seed >> 40) / Float(1 << 24) * 8 - 4
        }
        var kinds = rules.kinds
        kinds.append(.refusal(threshold: 0.6))
        let readings = try (0..<400).map { _ in try reading(kinds.map { _ in draw() }) }
        for category in [3, 4] {
            var rates: [Int] = []
            for step in 0...20 {
                var rules = DecisionRules(kinds: kinds, general: 2)
                rules.kinds[category] = .refusal(threshold: Double(step) / 20)
                rates.append(
                    readings.count {
                        if case .refuse = Decision($0, rules).verdict { true } else { false }
                    })
            }
            #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 }, "category \(category): \(rates)")
            #expect(rates[0] == 400 && rates[20] < 200, "category \(category): \(rates)")
        }
    }

    @Test func aConversationStaysUnlessTheMarginPasses() throws {
        var rules = rules
        rules.stayMargin = 0.4
        // "now fix it": general a little ahead of python.
        #expect(Decision(try reading([1.0, -5, 1.4, -5]), rules, current: 0).verdict == .go([0], because: .stayed))
        #expect(Decision(try reading([0, 5, 0, -5]), rules, current: 0).verdict == .go([1], because: .chosen))
        rules.inPlay[0] = false
        #expect(Decision(try reading([1.0, -5, 1.4, -5]), rules, current: 0).verdict == .go([2], because: .chosen))
    }

    @Test func theTemperatureIsFoundAgain() {
        // Labels occur as often as softmax(z / 2.5) says: z = (2.5 ln 3, 0) gives 3 : 1.
        let logits: [Float] = [2.5 * 1.0986123, 0]
        let examples = [0, 0, 0, 1].map { TemperatureFit.Example(logits: logits, node: $0) }
        let fitted = TemperatureFit.fit(examples)
        #expect(abs(fitted - 2.5) < 1e-3, "\(fitted)")
        for other in [0.5, 2.4, 2.6, 10] {
            #expect(
                TemperatureFit.loss(examples, temperature: fitted)
                    < TemperatureFit.loss(examples, temperature: other))
        }
        #expect(TemperatureFit.fit([]) == 1)
        #expect(TemperatureFit.fit([.init(logits: [1, 0], node: 0)]) >= TemperatureFit.range.lowerBound)
    }
}

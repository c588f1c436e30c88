import Gating
import Testing

@Suite("Route options")
struct OptionsTests {
    static let names = ["french", "german", "python"]

    @Test(arguments: [
        "phatgoose", "arrow", "arrow:unit", "average", "merged", "retrieval", "single:french", "off",
    ])
    func methodsAreReadAsWritten(text: String) throws {
        #expect(try RouteMethod(parsing: text).description == text)
    }

    @Test(arguments: ["", "Phatgoose", "single:", "single", "arrow:", "top"])
    func otherMethodsAreRefused(text: String) {
        let error = #expect(throws: RouteOptionsError.self) { try RouteMethod(parsing: text) }
        #expect(error?.field == "method")
    }

    @Test(arguments: ["off", "0.5", "dropped:1.0", "entropy:0.25", "null"])
    func sharesAreReadAsWritten(text: String) throws {
        #expect(try CommonShare(parsing: text).description == text)
    }

    @Test(arguments: ["", "half", "dropped", "dropped:", "entropy:x", "null:1"])
    func otherSharesAreRefused(text: String) {
        #expect(throws: RouteOptionsError.self) { try CommonShare(parsing: text) }
    }

    @Test func topKIsTheMethodsOwn() {
        #expect(RouteOptions().topK == 2)
        #expect(RouteOptions(method: .arrow).topK == 3)
        #expect(RouteOptions(method: .arrowUnit, topK: 1).topK == 1)
    }

    @Test(arguments: [
        (RouteOptions(topK: 0), "topK"), (RouteOptions(topK: 513), "topK"),
        (RouteOptions(temperature: 0), "temperature"),
        (RouteOptions(temperature: .nan), "temperature"), (RouteOptions(common: .fixed(1.5)), "common"),
        (RouteOptions(common: .dropped(factor: .nan)), "common"), (RouteOptions(common: .inPlaceOfNull), "common"),
        (RouteOptions(allowed: []), "allowed"), (RouteOptions(allowed: ["latin"]), "allowed"),
        (RouteOptions(biases: ["french": .infinity]), "biases.french"), (RouteOptions(biases: ["latin": 1]), "biases"),
        (RouteOptions(weights: ["french": .nan]), "weights.french"), (RouteOptions(weights: ["latin": 1]), "weights"),
        (RouteOptions(allowed: ["german"], weights: ["french": 1]), "weights"),
        (RouteOptions(method: .single("latin")), "method"),
        (RouteOptions(method: .single("french"), allowed: ["german"]), "method"),
    ])
    func whatCannotBeUsedIsRefusedByName(options: RouteOptions, field: String) {
        let error = #expect(throws: RouteOptionsError.self) { try RoutePlan(options, experts: Self.names) }
        #expect(error?.field == field, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func boundsNarrow() throws {
        let bounds = RouteBounds(
            methods: ["phatgoose", "single"], topKMax: 2, temperature: 0.5...2, commonShareMax: 0.5)
        try RouteOptions(temperature: 2, common: .fixed(0.5)).validate(within: bounds)
        try RouteOptions(method: .single("french")).validate(within: bounds)
        for (options, field) in [
            (RouteOptions(method: .arrow, topK: 2), "method"), (RouteOptions(topK: 3), "topK"),
            (RouteOptions(temperature: 2.5), "temperature"), (RouteOptions(common: .entropy(most: 0.6)), "common"),
        ] {
            let error = #expect(throws: RouteOptionsError.self) { try options.validate(within: bounds) }
            #expect(error?.field == field)
        }
    }

    @Test func oneSpellingForWhatRoutesAlike() {
        let one = RouteOptions(allowed: ["b", "a"], biases: ["a": 1, "b": -2])
        let other = RouteOptions(allowed: ["a", "b"], biases: ["b": -2, "a": 1])
        #expect(one.description == other.description)
        #expect(one.description.contains("allowed=[a,b] biases=[a:1.0,b:-2.0]"))
        #expect(one.description != RouteOptions(allowed: ["a", "b"], biases: ["a": 1]).description)
    }

    @Test func methodsWithoutScoresAreOneChoice() throws {
        func fixed(_ options: RouteOptions) throws -> Choice? { try RoutePlan(options, experts: Self.names).fixed }
        #expect(try fixed(RouteOptions(method: .off))?.isTrunkOnly == true)
        #expect(try fixed(RouteOptions(method: .single("german"))) == Choice(experts: [1], weights: [1]))
        let merged = try fixed(RouteOptions(method: .merged))
        #expect(merged == Choice(experts: [0, 1, 2], weights: [1 / 3, 1 / 3, 1 / 3]))
        let two = try fixed(RouteOptions(method: .merged, allowed: ["french", "python"]))
        #expect(two == Choice(experts: [0, 2], weights: [0.5, 0.5]))
        let explicit = try fixed(RouteOptions(weights: ["python": 0.25, "french": 2, "german": 0]))
        #expect(explicit == Choice(experts: [0, 2], weights: [2, 0.25]))
        #expect(try fixed(RouteOptions()) == nil)
        let retrieval = try RoutePlan(RouteOptions(method: .retrieval), experts: Self.names)
        #expect(retrieval.fixed == nil)
        #expect(retrieval.retrieving(2).fixed == Choice(experts: [2], weights: [1]))
    }
}

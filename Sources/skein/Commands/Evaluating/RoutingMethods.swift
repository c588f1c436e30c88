import Gating
import Inference

/// One row of the evaluation: a name, and how it routes.
struct EvaluatedMethod {
    let name: String
    let options: RouteOptions
    /// Whether the gates are those made of prompts.
    var isPrompted = false

    /// What others are compared with: the paper's own setting.
    static let reference = "phatgoose k=2"
    /// PHATGOOSE's scores with gates made of prompts instead of trained ones.
    static let prompted = "phatgoose:prompts"

    /// Everything that a set of experts can be routed by, as far as it has what that needs.
    static func all(for set: ExpertSet, retrieves: Bool, prompted: Bool = false) -> [EvaluatedMethod] {
        let calibrated = set.calibratedMethods.contains(RouteMethod.phatgoose.description)
        let count = set.experts.count
        var methods = [EvaluatedMethod(name: "trunk", options: .off), .init("merged", .merged)]
        if retrieves { methods.append(.init("retrieval", .retrieval)) }
        methods += [("arrow k=3", RouteMethod.arrow), ("arrow:unit k=3", .arrowUnit), ("average k=2", .average)]
            .filter { set.isRoutable(by: $0.1) }.map { .init($0.0, $0.1) }
        if prompted {
            methods.append(.init(name: "\(Self.prompted) k=2", options: RouteOptions(topK: 2), isPrompted: true))
        }
        if set.isRoutable(by: .phatgoose) {
            for k in [1, 2, 3, count].filter({ $0 <= count }) { methods.append(.init("phatgoose k=\(k)", k: k)) }
            methods.append(.init("phatgoose k=2 T=0.5", k: 2, temperature: 0.5))
            methods.append(.init("phatgoose k=2 T=2", k: 2, temperature: 2))
            methods.append(.init("phatgoose k=\(count) T=2", k: count, temperature: 2))
            if calibrated { methods.append(.init("phatgoose k=2 null", k: 2, null: .on)) }
            if set.hasCommon { methods += common(calibrated: calibrated) }
        }
        return methods + set.names.map { .init("single:\($0)", .single($0)) }
    }

    private static func common(calibrated: Bool) -> [EvaluatedMethod] {
        var methods: [EvaluatedMethod] = [
            .init("phatgoose k=2 common 0.25", k: 2, common: .fixed(0.25)),
            .init("phatgoose k=2 common 0.5", k: 2, common: .fixed(0.5)),
            .init("phatgoose k=2 common dropped:1", k: 2, common: .dropped(factor: 1)),
            .init("phatgoose k=2 common entropy:1", k: 2, common: .entropy(most: 1)),
        ]
        if calibrated {
            methods.append(.init("phatgoose k=2 null common null", k: 2, null: .on, common: .inPlaceOfNull))
            methods.append(.init("phatgoose k=2 null common dropped:1", k: 2, null: .on, common: .dropped(factor: 1)))
            methods.append(.init("phatgoose k=2 joins common null", k: 2, null: .joins, common: .inPlaceOfNull))
        }
        return methods
    }

    private init(name: String, options: RouteOptions, isPrompted: Bool = false) {
        self.name = name
        self.options = options
        self.isPrompted = isPrompted
    }

    private init(_ name: String, _ method: RouteMethod) {
        self.init(name: name, options: RouteOptions(method: method))
    }

    private init(
        _ name: String, k: Int, temperature: Float = 1, null: NullRule = .off, common: CommonShare = .off
    ) {
        self.init(name: name, options: RouteOptions(topK: k, temperature: temperature, null: null, common: common))
    }

    var isSingle: Bool {
        if case .single = options.method { true } else { false }
    }

    /// A name written like those of `all`: `trunk`, or METHOD, then any of k=K, T=T, null, joins and `common SHARE`.
    init(parsing name: String) throws {
        var words = name.split(separator: " ").map(String.init)
        let method = words.isEmpty ? "" : words.removeFirst()
        let isPrompted = method == Self.prompted
        var options =
            method == "trunk"
            ? .off : isPrompted ? RouteOptions() : RouteOptions(method: try RouteMethod(parsing: method))
        while !words.isEmpty {
            let word = words.removeFirst()
            if word.hasPrefix("k="), let k = Int(word.dropFirst(2)) {
                options.topK = k
            } else if word.hasPrefix("T="), let temperature = Float(word.dropFirst(2)) {
                options.temperature = temperature
            } else if word == "null" || word == "joins" {
                options.null = word == "null" ? .on : .joins
            } else if word == "common", !words.isEmpty {
                options.common = try CommonShare(parsing: words.removeFirst())
            } else {
                throw CommandFailure.usage(
                    "--methods: '\(name)', at '\(word)'; write METHOD [k=K] [T=T] [null|joins] [common SHARE]")
            }
        }
        try options.validate()
        self.init(name: name, options: options, isPrompted: isPrompted)
    }
}

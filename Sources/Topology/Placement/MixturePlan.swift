/// Which workers have which experts of a model's mixture layers: a pure function of the topology and the model's shape, so that every
/// process comes to the same plan by itself.
package struct MixturePlan: Equatable, Sendable {
    package struct Place: Hashable, Sendable {
        /// Of the transformer, from 0.
        package let layer: Int
        package let expert: Int
    }

    /// What the weight file says.
    package struct Shape: Sendable {
        /// The mixture layers, ascending.
        package let layers: [Int]
        /// Experts of a layer.
        package let experts: Int
        /// Of one expert, as stored.
        package let bytesPerExpert: Int

        package init(layers: [Int], experts: Int, bytesPerExpert: Int) {
            self.layers = layers
            self.experts = experts
            self.bytesPerExpert = bytesPerExpert
        }
    }

    /// Places of all experts together, copies included: what one message says of who holds what.
    package static let placesMax = 4096

    /// By worker, ascending by layer and expert.
    package let places: [String: [Place]]

    /// - Parameter workers: those with a share, in the topology's order.
    package init(
        _ entry: MixtureEntry, _ shape: Shape, workers: [(name: String, megabytes: Int)]
    ) throws(MixturePlanError) {
        switch entry.placement {
        case .auto(let copies):
            places = try Self.shared(shape, among: workers, copies: copies, line: entry.line)
        case .rules(let rules): places = try Self.placed(shape, by: rules, line: entry.line)
        }
        let count = places.values.reduce(0) { $0 + $1.count }
        guard count <= Self.placesMax else {
            throw MixturePlanError(
                line: entry.line,
                "\(shape.layers.count) layers of \(shape.experts) experts take \(count) places on workers, copies included; at most "
                    + "\(Self.placesMax) can be spread: leave the model in one process, or give it fewer copies")
        }
        for (name, megabytes) in workers {
            let bytes = (places[name]?.count ?? 0) * shape.bytesPerExpert
            guard bytes > megabytes << 20 else { continue }
            throw MixturePlanError(
                line: entry.line,
                "\(places[name]?.count ?? 0) experts of \(shape.bytesPerExpert >> 10) KiB go to worker \(name), which has megabytes: "
                    + "\(megabytes); give it more, or place fewer there")
        }
    }
}

extension MixturePlan {
    private static func placed(
        _ shape: Shape, by rules: [PlacementRule], line: Int
    ) throws(MixturePlanError) -> [String: [Place]] {
        for rule in rules {
            if let layers = rule.layers, !shape.layers.contains(where: layers.contains) {
                throw MixturePlanError(
                    line: rule.line, "\(rule.description): the model's mixture layers are \(spelling(of: shape.layers))"
                )
            }
            if let experts = rule.experts, experts.upperBound >= shape.experts {
                throw MixturePlanError(
                    line: rule.line, "\(rule.description): a layer has experts 0-\(shape.experts - 1)")
            }
        }
        var places: [String: [Place]] = [:]
        for layer in shape.layers {
            for expert in 0..<shape.experts {
                guard let rule = rules.first(where: { $0.contains(layer: layer, expert: expert) }) else {
                    throw MixturePlanError(
                        line: line,
                        "expert \(expert) of layer \(layer) is nowhere: add a rule that gives it to a worker")
                }
                for worker in rule.workers { places[worker, default: []].append(Place(layer: layer, expert: expert)) }
            }
        }
        return places
    }

    /// Each worker gets neighbouring experts, the same of every layer, as many as its memory is of all; so all work at every layer. A
    /// copy of what one has, the next has.
    private static func shared(
        _ shape: Shape, among workers: [(name: String, megabytes: Int)], copies: Int, line: Int
    ) throws(MixturePlanError) -> [String: [Place]] {
        let total = workers.reduce(0) { $0 + $1.megabytes }
        guard total > 0, copies <= workers.count else {
            throw MixturePlanError(line: line, "\(copies) copies need as many workers with experts of the model")
        }
        var ranges: [Range<Int>] = []
        var sum = 0
        for worker in workers {
            sum += worker.megabytes
            // Rounded, so that the shares differ by one expert at most from what memory says.
            ranges.append((ranges.last?.upperBound ?? 0)..<(2 * shape.experts * sum + total) / (2 * total))
        }
        var places: [String: [Place]] = [:]
        for (index, worker) in workers.enumerated() {
            let held = (0..<copies).flatMap { Array(ranges[(index + workers.count - $0) % workers.count]) }.sorted()
            places[worker.name] = shape.layers.flatMap { layer in held.map { Place(layer: layer, expert: $0) } }
        }
        return places
    }

    private static func spelling(of layers: [Int]) -> String {
        guard let first = layers.first, let last = layers.last else { return "none" }
        return last - first + 1 == layers.count
            ? "\(first)-\(last)" : layers.map(String.init).joined(separator: ", ")
    }
}

/// Why the experts cannot be placed as the topology says.
package struct MixturePlanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Of the topology.
    package let line: Int
    package let message: String

    init(line: Int, _ message: String) {
        self.line = line
        self.message = message
    }

    package var description: String { "line \(line) of the topology: \(message)" }
}

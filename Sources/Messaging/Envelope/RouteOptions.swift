import CEnvelope
import CProtobufC

package struct NamedValue: Sendable, Equatable {
    package var name: String
    package var value: Float

    package init(name: String = "", value: Float = 0) {
        self.name = name
        self.value = value
    }
}

/// How the tokens of a query find their experts, in the spellings of `Gating`. What is empty or 0 is the topology's default.
package struct RouteOptions: Sendable, Equatable {
    package var method: String
    package var topK: UInt32
    /// Of the softmax over scores.
    package var temperature: Float
    package var null: String
    package var common: String
    /// The experts that may be chosen; empty allows all.
    package var allowed: [String]
    /// Added to an expert's score.
    package var biases: [NamedValue]
    /// Where there are any: these weights at every token instead of the method.
    package var weights: [NamedValue]

    package init(
        method: String = "", topK: UInt32 = 0, temperature: Float = 0, null: String = "", common: String = "",
        allowed: [String] = [], biases: [NamedValue] = [], weights: [NamedValue] = []
    ) {
        self.method = method
        self.topK = topK
        self.temperature = temperature
        self.null = null
        self.common = common
        self.allowed = allowed
        self.biases = biases
        self.weights = weights
    }
}

extension NamedValue {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__NamedValue> {
        arena.message(skein__named_value__init) { c in
            c.name = arena.text(name)
            c.value = value
        }
    }

    init(_ c: Skein__NamedValue) throws(WireError) {
        self.init(name: try readText(c.name, "NamedValue.name", max: WireLimits.nameBytesMax), value: c.value)
    }
}

extension RouteOptions {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__RouteOptions> {
        arena.message(skein__route_options__init) { c in
            c.method = arena.text(method)
            c.top_k = topK
            c.temperature = temperature
            c.null = arena.text(null)
            c.common = arena.text(common)
            c.n_allowed = allowed.count
            c.allowed = arena.list(allowed) { arena.text($0) }
            c.n_biases = biases.count
            c.biases = arena.list(biases) { $0.encoded(arena) }
            c.n_weights = weights.count
            c.weights = arena.list(weights) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__RouteOptions) throws(WireError) {
        self.init(
            method: try readText(c.method, "RouteOptions.method", max: WireLimits.nameBytesMax),
            topK: c.top_k,
            temperature: c.temperature,
            null: try readText(c.null, "RouteOptions.null", max: WireLimits.nameBytesMax),
            common: try readText(c.common, "RouteOptions.common", max: WireLimits.nameBytesMax),
            allowed: try readList(c.allowed, c.n_allowed, "RouteOptions.allowed", max: WireLimits.expertsMax) {
                (text) throws(WireError) in
                try readText(text, "RouteOptions.allowed", max: WireLimits.nameBytesMax)
            },
            biases: try readMessages(
                c.biases, c.n_biases, "RouteOptions.biases", max: WireLimits.expertsMax, NamedValue.init),
            weights: try readMessages(
                c.weights, c.n_weights, "RouteOptions.weights", max: WireLimits.expertsMax, NamedValue.init))
    }
}

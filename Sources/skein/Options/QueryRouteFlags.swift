import ArgumentParser
import Messaging

/// How the tokens of a query find their experts, for a node whose model has them. What is not said is the topology's.
struct QueryRouteFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How a token finds experts: phatgoose, arrow, arrow:unit, average, merged, single:NAME or off "
                + "(default: the topology's).", valueName: "method"))
    var route: String?

    @Option(
        name: .customLong("route-top-k"), parsing: .unconditional, help: "Experts kept per token and linear layer.")
    var topK: UInt32?

    @Option(
        name: .customLong("route-temperature"), parsing: .unconditional,
        help: "T of the softmax over the experts' scores.")
    var temperature: Float?

    @Option(name: .customLong("null"), help: "Whether the null expert may be chosen: on, off or joins.")
    var null: String?

    @Option(
        name: .customLong("common"),
        help: ArgumentHelp(
            "The share of the mean of all adapters: off, a number, dropped:F, entropy:F or null.", valueName: "share"))
    var common: String?

    @Option(
        name: .customLong("only"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An expert that may be chosen; repeatable. Without, all may.", valueName: "expert"))
    var allowed: [String] = []

    func validate() throws {
        if topK == 0 { throw ValidationError("--route-top-k is 0; use 1 or more, or --route off") }
        if let temperature, !(temperature > 0) {
            throw ValidationError("--route-temperature is \(temperature); it must be more than 0")
        }
    }

    /// Nil when nothing is said.
    var wire: RouteOptions? {
        let options = RouteOptions(
            method: route ?? "", topK: topK ?? 0, temperature: temperature ?? 0, null: null ?? "", common: common ?? "",
            allowed: allowed)
        return options == RouteOptions() ? nil : options
    }
}

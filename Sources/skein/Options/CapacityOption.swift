import ArgumentParser
import Gating
import Inference
import Weights

struct CapacityOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Rows of the prompt that an expert of a mixture takes: dropless, colossal:FACTOR or flaxformer:FACTOR.",
            valueName: "mode"))
    var capacity = CapacityMode.dropless

    /// What this process computes with; a mode that drops is refused for a model whose tokens choose no experts.
    func mode(for model: LoadedModel, at path: String) throws -> CapacityMode {
        if capacity != .dropless, model.weights.configuration.mixture == nil {
            throw CommandFailure.usage("--capacity \(capacity): \(path) has no mixture layers")
        }
        return capacity
    }

    func check(_ cluster: ClusterInstead) throws {
        if capacity != .dropless, cluster.isWanted {
            throw ValidationError(
                "--capacity needs --model: a cluster's models have that of their topology")
        }
    }
}

extension CapacityMode: ExpressibleByArgument {
    public init?(argument: String) {
        guard let mode = try? CapacityMode(parsing: argument) else { return nil }
        self = mode
    }

    public var defaultValueDescription: String { description }
}

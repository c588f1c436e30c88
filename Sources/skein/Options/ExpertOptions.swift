import ArgumentParser
import Gating
import Inference

/// The experts beside a model that a command runs in its own process, and how tokens find them.
struct ExpertOptions: ParsableArguments {
    @Option(
        name: .customLong("experts"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "An expert's folder, or a folder of experts, which stands for all in it; repeatable.", valueName: "folder"))
    var experts: [String] = []

    @Option(
        help: ArgumentHelp(
            "How a token finds experts: phatgoose, arrow, arrow:unit, average, merged, single:NAME or off "
                + "(default: phatgoose with --experts).", valueName: "method"))
    var route: String?

    @Option(
        name: .customLong("route-top-k"), parsing: .unconditional,
        help: "Experts kept per token and linear layer (default: 2, for arrow 3).")
    var topK: Int?

    @Option(
        name: .customLong("route-temperature"), parsing: .unconditional,
        help: "T of the softmax over the experts' scores.")
    var temperature: Float = 1

    @Option(
        name: .customLong("null"),
        help: "Whether the null expert may be chosen: on, off or joins. Needs a calibrated set of experts.")
    var null: String = NullRule.off.rawValue

    @Option(
        name: .customLong("common"),
        help: ArgumentHelp(
            "The share of the mean of all adapters: off, a number, dropped:F, entropy:F or null.", valueName: "share"))
    var common: String = "off"

    func validate() throws {
        do { try options().validate() } catch let error as RouteOptionsError {
            throw ValidationError(error.description)
        }
    }

    /// - Parameter topK: instead of --route-top-k.
    func options(topK given: Int? = nil) throws -> RouteOptions {
        RouteOptions(
            method: try RouteMethod(parsing: route ?? "phatgoose"), topK: given ?? topK, temperature: temperature,
            null: try NullRule(parsing: null), common: try CommonShare(parsing: common))
    }

    /// nil without experts.
    func bank(for model: LoadedModel, at path: String, rowsMax: Int) throws -> RoutedExpertBank? {
        guard !experts.isEmpty else {
            guard let route, route != "off" else { return nil }
            throw CommandFailure.usage("--route \(route) needs experts; name their folder with --experts")
        }
        let set = try ExpertFolders(experts).load(for: model, at: path)
        return RoutedExpertBank(set, rowsMax: rowsMax, team: model.team)
    }
}

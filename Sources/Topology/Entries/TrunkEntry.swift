/// `router: trunk:` — models that the router process serves itself: the trunks of routed models, near their experts' wires.
/// It appears among the workers under the name `trunk`.
enum TrunkEntry {
    static let workerName = "trunk"
    static let keys = ["models", "threads", "capacity", "kv_megabytes"]

    /// Reads a list of models, or a mapping with the keys of a worker. Nil when there is none.
    static func read(_ router: Section, models: [ModelEntry], paths: ClusterPaths) -> WorkerEntry? {
        guard router.has("trunk") else { return nil }
        if router.isMapping("trunk") {
            guard let section = router.section("trunk", keys: keys) else { return nil }
            return WorkerEntry(trunkReading: section, models: models)
        }
        return WorkerEntry(trunkListing: router, key: "trunk", models: models)
    }
}

import Client
import Gating
import Messaging
import Statistics

/// What EPLB would make of the recorded load: which worker should have which experts of each mixture layer, against who has them now.
struct PlacementAdvice: Encodable {
    struct Layer: Encodable {
        let layer: Int
        /// Load of the busiest worker over the mean, now and as planned: 1 is even.
        let unevenness, plannedUnevenness: Float
        /// By worker: experts now, and as planned.
        let now, planned: [String: [Int]]
    }

    let model: String
    let workers: [String]
    let layers: [Layer]

    /// - Parameter model: empty: the one that was asked last.
    init(model: String, of client: RouterClient) async throws {
        try self.init(RoutingSums(try await client.routing(model: model)), try await client.status().workers)
    }

    /// - Parameter workers: as the router's status has them.
    init(_ sums: RoutingSums, _ workers: [WorkerStatus]) throws {
        let held = Self.held(of: sums.model, workers)
        let names = held.keys.sorted()
        guard names.count > 1 else {
            throw CommandFailure.refused(
                "--plan: fewer than two workers have experts of mixture layers of \(sums.model); there is nothing to move"
            )
        }
        model = sums.model
        self.workers = names
        layers = try sums.sites.compactMap { site in
            guard let layer = Self.layer(ofSite: site.name) else { return nil }
            let now = held.mapValues { ($0[layer] ?? []).sorted() }
            return try Self.advise(layer, load: site.sums.chosen.map { Float($0) }, now, names)
        }.sorted { $0.layer < $1.layer }
    }

    private static func advise(
        _ layer: Int, load: [Float], _ now: [String: [Int]], _ names: [String]
    ) throws -> Layer {
        let copies = max(load.count, now.values.reduce(0) { $0 + $1.count })
        // Devices divide replicas.
        let replicas = (copies + names.count - 1) / names.count * names.count
        let plan: ReplicaPlan
        do { plan = try ReplicaPlan(load: load, ReplicaShape(replicas: replicas, devices: names.count)) } catch {
            throw CommandFailure.failed("layer \(layer): \(error)")
        }
        let each = replicas / names.count
        // Two copies of an expert on one worker are one.
        let devices = names.indices.map { Set(plan.experts[$0 * each..<($0 + 1) * each]) }
        var planned = matched(devices, to: names, now)
        // Nothing moves for nothing.
        if unevenness(planned, load) >= unevenness(now, load) { planned = now }
        return Layer(
            layer: layer, unevenness: unevenness(now, load), plannedUnevenness: unevenness(planned, load), now: now,
            planned: planned)
    }

    /// The plan's devices have no names: each becomes the worker that has most of its experts already.
    private static func matched(
        _ devices: [Set<Int>], to names: [String], _ now: [String: [Int]]
    ) -> [String: [Int]] {
        var free = names
        var planned: [String: [Int]] = [:]
        for device in devices {
            func shared(_ name: String) -> Int { device.intersection(now[name] ?? []).count }
            guard let best = free.max(by: { shared($0) < shared($1) }) else { break }
            free.removeAll { $0 == best }
            planned[best] = device.sorted()
        }
        return planned
    }

    /// An expert's load is divided evenly among those who have it.
    private static func unevenness(_ now: [String: [Int]], _ load: [Float]) -> Float {
        var holders = [Float](repeating: 0, count: load.count)
        for expert in now.values.joined() where expert < load.count { holders[expert] += 1 }
        let loads = now.values.map { experts in
            experts.reduce(Float(0)) { $1 < load.count ? $0 + load[$1] / holders[$1] : $0 }
        }
        let mean = loads.reduce(0, +) / Float(max(1, loads.count))
        return mean > 0 ? (loads.max() ?? 0) / mean : 1
    }

    /// By worker, by layer: from the names `MODEL/LAYER.EXPERT`.
    private static func held(of model: String, _ workers: [WorkerStatus]) -> [String: [Int: [Int]]] {
        var held: [String: [Int: [Int]]] = [:]
        for worker in workers {
            for name in worker.experts where name.hasPrefix("\(model)/") {
                let numbers = name.dropFirst(model.count + 1).split(separator: ".").compactMap { Int($0) }
                guard numbers.count == 2 else { continue }
                held[worker.name, default: [:]][numbers[0], default: []].append(numbers[1])
            }
        }
        return held
    }

    /// Of `model.layers.N.mlp`.
    private static func layer(ofSite name: String) -> Int? {
        let parts = name.split(separator: ".")
        return parts.count == 4 && parts[3] == "mlp" ? Int(parts[2]) : nil
    }

    var text: String {
        let head =
            "\(model) on \(workers.joined(separator: ", ")): the busiest worker's load over the mean, now and as planned, and the "
            + "experts each would have\n"
        return head
            + layers.map { layer in
                let shares = workers.map {
                    "\($0) \((layer.planned[$0] ?? []).map(String.init).joined(separator: " "))"
                }
                return
                    "layer \(layer.layer): \(Self.number(layer.unevenness)) -> \(Self.number(layer.plannedUnevenness))  "
                    + shares.joined(separator: "; ") + "\n"
            }.joined()
    }

    private static func number(_ value: Float) -> String { BenchReport.decimals(Double(value), 2) }
}

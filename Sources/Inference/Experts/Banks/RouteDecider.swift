import Gating
import Kernels

/// From gates to the list of (linear, expert, row, weight).
final class RouteDecider {
    private let products: GateProducts
    /// One for each thread.
    private let lanes: [DecisionLane]
    private let team: ComputeTeam
    var onTopScore: ((RowOrigin, _ group: Int, _ linear: Int, _ score: Float) -> Void)?

    /// Fewer rows than this, and a lane would end before the others have begun.
    private static let rowsPerLaneMin = 4

    init(rowsMax: Int, team: ComputeTeam) {
        products = GateProducts(rowsMax: rowsMax)
        lanes = (0..<team.threads).map { _ in DecisionLane() }
        self.team = team
    }

    /// What was decided with a set since the last call.
    func takeStatistics(of set: ExpertSet) -> RoutingStatistics {
        var tally = RoutingTally()
        for lane in lanes { lane.takeTally(of: set, into: &tally) }
        return tally.take(set)
    }

    /// G u and the moments of u for all rows of a step, on raw u: what `decide` reads.
    func gateProducts(_ version: Int, _ rows: StepRows, _ group: SiteGroup) -> [GateProduct] {
        products.products(version, rows, group)
    }

    /// Fills `routing` for all rows of the step, from gate products that are there.
    func decide(
        _ version: Int, _ rows: StepRows, into routing: GroupRouting,
        replay: ((RowOrigin, Int, Int) -> Choice?)?, failures: inout StepFailures
    ) {
        let step = DecisionStep(
            version, rows, routing.set, routing.group, products, replay: replay, onTopScore: onTopScore)
        let used = step.isWatched ? 1 : max(1, min(lanes.count, rows.count / Self.rowsPerLaneMin))
        if used == 1 {
            lanes[0].decide(step, 0..<rows.count)
        } else {
            // A part touches only its own lane; what is in `step` is only read.
            nonisolated(unsafe) let (lanes, step) = (lanes, step)
            let rowCount = rows.count, per = (rowCount + used - 1) / used
            team.run(parts: used) { part in
                let (first, end) = (part * per, rowCount)
                unsafe lanes[part].decide(step, min(first, end)..<min(first + per, end))
            }
        }
        join(lanes[0..<used], into: routing)
        for lane in lanes[0..<used] { lane.takeFailures(into: &failures) }
    }

    /// The lanes' items in ascending (linear, expert, row).
    private func join(_ lanes: ArraySlice<DecisionLane>, into routing: GroupRouting) {
        guard let group = routing.set.groups[routing.group.index] else { return }
        for linear in routing.group.linears.indices where group.sites[linear] != nil {
            for expert in 0...routing.set.experts.count {
                guard lanes.contains(where: { $0.holds(expert, linear: linear) }) else { continue }
                routing.beginPair(linear: linear, expert: expert)
                for lane in lanes { lane.append(expert, linear: linear, to: routing) }
                routing.endPair(linear: linear, expert: expert)
            }
        }
    }
}

extension RouteDecider {
    /// Does for pairs without an answer what each row's route says: the sequence fails, the others' weights grow to what they summed to
    /// with the missing one, or the trunk stands in for it.
    func leaveOut(_ missing: [MissingPair], _ rows: StepRows, _ routing: GroupRouting, _ failures: inout StepFailures) {
        for entry in missing {
            let pair = routing.pairs[entry.pair]
            for item in pair.first..<pair.first + pair.count {
                let route = rows.routes[rows.routeOfRow[Int(routing.rows[item])]]
                switch route.plan.onMissing {
                case .fail: failures.add(route.id, entry.message)
                case .trunkOnly: break
                case .renormalise: renormalise(without: item, linear: pair.linear, missing, routing)
                }
            }
        }
    }

    /// Scales the other experts of the item's row and linear; the null's share of weight, 1 - Σ w, stays what it is in proportion.
    private func renormalise(without item: Int, linear: Int, _ missing: [MissingPair], _ routing: GroupRouting) {
        let row = routing.rows[item]
        let lost = routing.weights[item]
        routing.weights[item] = 0
        guard lost < 1 else { return }
        for pair in routing.pairs where pair.linear == linear {
            for other in pair.first..<pair.first + pair.count where routing.rows[other] == row {
                routing.weights[other] /= 1 - lost
            }
        }
    }
}

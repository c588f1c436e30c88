import Gating
import Kernels

/// From gates to the list of (linear, expert, row, weight).
final class RouteDecider {
    private let rowsMax: Int
    /// G u by kind, [rows, linears · N]; the last group's.
    private var dots: [GateKind: RowBuffer] = [:]
    /// (mean, variance, |u|) of each row.
    private let moments: RowBuffer
    private var scratch = DecisionScratch()
    private var items = ItemSorter()
    private var tally = RoutingTally()
    var onTopScore: ((RowOrigin, _ group: Int, _ linear: Int, _ score: Float) -> Void)?

    init(rowsMax: Int) {
        self.rowsMax = rowsMax
        moments = RowBuffer(rowsMax: rowsMax, width: 3)
    }

    func takeStatistics(of set: ExpertSet) -> RoutingStatistics { tally.take(set) }

    /// G u and the moments of u for all rows of a step, on raw u.
    func multiplyGates(
        _ version: Int, _ rows: StepRows, _ group: SiteGroup, _ input: Columns, _ context: ComputeContext
    ) {
        guard let experts = rows.versions[version].groups[group.index] else { return }
        for kind in rows.kinds[version] {
            guard let gates = experts.gates[kind] else { continue }
            let output = buffer(kind, width: gates.packed.count).columns(0..<gates.packed.count)
            context.multiply(input, rows: rows.count, by: gates.packed, into: output, moments: moments)
        }
    }

    private func buffer(_ kind: GateKind, width: Int) -> RowBuffer {
        if let buffer = dots[kind], buffer.width >= width { return buffer }
        let buffer = RowBuffer(rowsMax: rowsMax, width: width)
        dots[kind] = buffer
        return buffer
    }
}

extension RouteDecider {
    /// Fills `routing` for some rows of the step.
    func decide(
        _ version: Int, _ rows: StepRows, _ range: Range<Int>, into routing: GroupRouting,
        replay: ((RowOrigin, Int, Int) -> Choice?)?, failures: inout StepFailures
    ) {
        guard let group = routing.set.groups[routing.group.index] else { return }
        // Taken out of self, so that spans of them can be lent while self is changed.
        var scratch = DecisionScratch()
        swap(&scratch, &self.scratch)
        defer { swap(&scratch, &self.scratch) }
        scratch.reserve(routing.set.experts.count)
        for linear in routing.group.linears.indices {
            guard let site = group.sites[linear] else { continue }
            let place = DecisionPlace(routing: routing, group: group, linear: linear, site: site)
            items.begin(experts: routing.set.experts.count + 1)
            for row in range {
                let index = rows.routeOfRow[row]
                guard index >= 0, rows.versionOfRoute[index] == version else { continue }
                let route = rows.routes[index]
                if let replay, let choice = replay(rows.origins[row], routing.group.index, linear) {
                    take(choice, row, rows.origins[row], route, place)
                } else if let choice = route.plan.fixed {
                    take(choice, row, rows.origins[row], route, place)
                } else {
                    do throws(RouteScoreError) { try choose(row, rows.origins[row], route, place, &scratch) } catch {
                        failures.add(route.id, "\(routing.group.linears[linear].site): \(error)")
                    }
                }
            }
            items.end(linear: linear, into: routing)
        }
    }

    /// Scores, top-k and weights of one row.
    private func choose(
        _ row: Int, _ origin: RowOrigin, _ route: SequenceRoute, _ place: DecisionPlace,
        _ scratch: inout DecisionScratch
    ) throws(RouteScoreError) {
        guard let kind = route.kind, let gates = place.group.gates[kind], let first = gates.first[place.linear],
            let dots = dots[kind]
        else { return }
        try score(row, route.plan, place, gates, dots, first, &scratch.scores)
        if let onTopScore {
            let top = scratch.scores[0..<route.plan.expertCount].max() ?? -.infinity
            onTopScore(origin, place.routing.group.index, place.linear, top)
        }
        let tau = place.site.nullScores[route.nullIndex]
        let kept = try keep(route.plan, tau, scratch.scores, &scratch.experts, &scratch.weights)
        for index in 0..<kept.count {
            items.append(row: row, expert: scratch.experts[index], weight: scratch.weights[index])
        }
        if kept.commonWeight != 0, place.site.common != nil {
            items.append(row: row, expert: Int32(route.plan.expertCount), weight: kept.commonWeight)
        }
        tally.add(
            route.plan, place, origin, nullScore: tau, scores: scratch.scores.span, experts: scratch.experts.span,
            weights: scratch.weights.span, kept)
        if route.traces { route.trace.append(TracedChoice(origin, place, scratch, kept)) }
    }

    private func score(
        _ row: Int, _ plan: RoutePlan, _ place: DecisionPlace, _ gates: GroupGates, _ dots: RowBuffer, _ first: Int,
        _ scores: inout [Float]
    ) throws(RouteScoreError) {
        let count = plan.expertCount
        let moments = moments.withRow(row) {
            InputMoments(mean: $0[0], variance: $0[1], norm: $0[2], width: place.inputs)
        }
        try dots.withRow(row) { all throws(RouteScoreError) in
            var span = scores.mutableSpan
            try plan.score(
                dots: all.extracting(first..<first + count),
                gateSums: gates.sums.span.extracting(first..<first + count),
                moments: moments, into: &span)
        }
        if place.site.coversAll { return }
        for expert in 0..<count where !place.site.covers[expert] { scores[expert] = -.infinity }
    }

    private func keep(
        _ plan: RoutePlan, _ nullScore: Float, _ scores: [Float], _ experts: inout [Int32], _ weights: inout [Float]
    ) throws(RouteScoreError) -> Kept {
        var ids = experts.mutableSpan
        var shares = weights.mutableSpan
        return try plan.choose(scores: scores.span, nullScore: nullScore, experts: &ids, weights: &shares)
    }

    /// A choice that no score made.
    private func take(
        _ choice: Choice, _ row: Int, _ origin: RowOrigin, _ route: SequenceRoute, _ place: DecisionPlace
    ) {
        for (expert, weight) in zip(choice.experts, choice.weights) where place.site.covers[Int(expert)] {
            items.append(row: row, expert: expert, weight: weight)
        }
        if choice.commonWeight != 0, place.site.common != nil {
            items.append(row: row, expert: Int32(place.routing.set.commonID), weight: choice.commonWeight)
        }
        guard route.traces else { return }
        route.trace.append(
            TracedChoice(
                position: origin.position, group: Int32(place.routing.group.index), linear: Int32(place.linear),
                experts: choice.experts, weights: choice.weights, nullWeight: choice.nullWeight,
                commonWeight: choice.commonWeight))
    }
}

/// Room for one decision.
struct DecisionScratch {
    /// By expert id.
    var scores: [Float] = []
    /// Those kept.
    var experts: [Int32] = []
    var weights: [Float] = []

    mutating func reserve(_ count: Int) {
        guard scores.count < count else { return }
        scores = Array(repeating: 0, count: count)
        experts = Array(repeating: 0, count: count)
        weights = Array(repeating: 0, count: count)
    }
}

extension TracedChoice {
    init(_ origin: RowOrigin, _ place: DecisionPlace, _ scratch: DecisionScratch, _ kept: Kept) {
        self.init(
            position: origin.position, group: Int32(place.routing.group.index), linear: Int32(place.linear),
            experts: Array(scratch.experts[0..<kept.count]), weights: Array(scratch.weights[0..<kept.count]),
            nullWeight: kept.nullWeight, commonWeight: kept.commonWeight)
    }
}

/// Where a decision is made.
struct DecisionPlace {
    let routing: GroupRouting
    let group: GroupExperts
    let linear: Int
    let site: SiteExperts

    var inputs: Int { routing.group.inputs }
}

/// Brings the items of one linear from the order of rows into ascending (expert, row).
struct ItemSorter {
    private var rows: [Int32] = []
    private var experts: [Int32] = []
    private var weights: [Float] = []
    private var heads: [Int] = []
    private var nexts: [Int32] = []
    private var tails: [Int] = []

    mutating func begin(experts count: Int) {
        rows.removeAll(keepingCapacity: true)
        experts.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
        nexts.removeAll(keepingCapacity: true)
        if heads.count != count {
            heads = Array(repeating: -1, count: count)
            tails = Array(repeating: -1, count: count)
        }
    }

    @inline(__always)
    mutating func append(row: Int, expert: Int32, weight: Float) {
        let index = rows.count
        rows.append(Int32(row))
        experts.append(expert)
        weights.append(weight)
        nexts.append(-1)
        let place = Int(expert)
        if heads[place] < 0 { heads[place] = index } else { nexts[tails[place]] = Int32(index) }
        tails[place] = index
    }

    mutating func end(linear: Int, into routing: GroupRouting) {
        for expert in heads.indices where heads[expert] >= 0 {
            routing.beginPair(linear: linear, expert: expert)
            var index = heads[expert]
            while index >= 0 {
                routing.appendItem(row: rows[index], weight: weights[index])
                index = Int(nexts[index])
            }
            routing.endPair(linear: linear, expert: expert)
            heads[expert] = -1
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

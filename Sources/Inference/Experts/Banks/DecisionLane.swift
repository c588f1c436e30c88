import Gating
import Kernels

/// One thread's share in deciding: scores, top-k and weights of some rows of a step, and the room that needs.
///
/// A row's decision depends on its own input and route alone, so it does not matter which lane makes it (P1).
final class DecisionLane {
    private var state = State()

    /// Decides for some rows at all linears of the group; the items stay here until `append`.
    func decide(_ step: DecisionStep, _ range: Range<Int>) {
        // Taken out of self: what follows is this function's alone, which the compiler then knows.
        var state = State()
        swap(&state, &self.state)
        state.decide(step, range)
        swap(&state, &self.state)
    }

    func holds(_ expert: Int, linear: Int) -> Bool { state.items[linear].holds(expert) }

    func append(_ expert: Int, linear: Int, to routing: GroupRouting) {
        state.items[linear].append(expert, to: routing)
    }

    /// Adds what could not be scored to `failures`, once.
    func takeFailures(into failures: inout StepFailures) { failures.take(from: &state.failures) }

    /// Adds the sums of one set to `tally`, and begins anew.
    func takeTally(of set: ExpertSet, into tally: inout RoutingTally) { tally.take(set, from: &state.tally) }
}

extension DecisionLane {
    /// Where decisions are made, and what all of them there need.
    fileprivate struct Place {
        let step: DecisionStep
        let experts: GroupExperts
        let linear: Int
        let site: SiteExperts
        let tallyPlace: TallyPlace
        /// Of the route that came last; a step's rows rarely have several kinds.
        private(set) var kind: GateKind?
        private(set) var scores: (sums: [Float], dots: RowBuffer, first: Int)?

        init(
            _ step: DecisionStep, _ experts: GroupExperts, _ linear: Int, _ site: SiteExperts, _ tallyPlace: TallyPlace
        ) {
            (self.step, self.experts, self.linear, self.site, self.tallyPlace) = (
                step, experts, linear, site, tallyPlace
            )
        }

        mutating func turn(to kind: GateKind?) {
            guard kind != self.kind else { return }
            self.kind = kind
            scores = nil
            guard let kind, let gates = experts.gates[kind], let first = gates.first[linear],
                let dots = step.products.dots(kind)
            else { return }
            scores = (gates.sums, dots, first)
        }
    }

    fileprivate struct State {
        var items: [ItemSorter] = []
        var tally = RoutingTally()
        var failures = StepFailures()
        private var scratch = DecisionScratch()
    }
}

extension DecisionLane.State {
    mutating func decide(_ step: DecisionStep, _ range: Range<Int>) {
        guard let experts = step.set.groups[step.group.index] else { return }
        var scratch = DecisionScratch()
        swap(&scratch, &self.scratch)
        scratch.reserve(step.set.experts.count)
        while items.count < step.group.linears.count { items.append(ItemSorter()) }
        for linear in step.group.linears.indices {
            items[linear].begin(experts: step.set.experts.count + 1)
            guard let site = experts.sites[linear] else { continue }
            var place = DecisionLane.Place(
                step, experts, linear, site, tally.place(step.set, group: step.group.index, linear: linear))
            for row in range { decide(row, &place, &scratch) }
        }
        swap(&scratch, &self.scratch)
    }

    private mutating func decide(_ row: Int, _ place: inout DecisionLane.Place, _ scratch: inout DecisionScratch) {
        let step = place.step
        let index = step.rows.routeOfRow[row]
        guard index >= 0, step.rows.versionOfRoute[index] == step.version else { return }
        let route = step.rows.routes[index], origin = step.rows.origins[row]
        if let replay = step.replay, let choice = replay(origin, step.group.index, place.linear) {
            take(choice, row, origin, route, place)
        } else if let choice = route.plan.fixed {
            take(choice, row, origin, route, place)
        } else {
            place.turn(to: route.kind)
            do throws(RouteScoreError) { try choose(row, origin, route, place, &scratch) } catch {
                failures.add(route.id, "\(step.group.linears[place.linear].site): \(error)")
            }
        }
    }

    /// Scores, top-k and weights of one row.
    private mutating func choose(
        _ row: Int, _ origin: RowOrigin, _ route: SequenceRoute, _ place: borrowing DecisionLane.Place,
        _ scratch: inout DecisionScratch
    ) throws(RouteScoreError) {
        guard place.scores != nil else { return }
        try score(row, route, place, &scratch.scores)
        let count = route.plan.expertCount
        if let onTopScore = place.step.onTopScore {
            let top = scratch.scores[0..<count].max() ?? -.infinity
            onTopScore(origin, place.step.group.index, place.linear, top)
        }
        let tau = place.site.nullScores[route.nullIndex]
        let kept = try scratch.keep(route.plan, tau)
        for index in 0..<kept.count {
            items[place.linear].append(row: row, expert: scratch.experts[index], weight: scratch.weights[index])
        }
        if kept.commonWeight != 0, place.site.common != nil {
            items[place.linear].append(row: row, expert: Int32(count), weight: kept.commonWeight)
        }
        tally.add(
            route.plan, place.tallyPlace, origin, nullScore: tau, scores: scratch.scores.span,
            experts: scratch.experts.span, weights: scratch.weights.span, kept)
        guard route.traces else { return }
        route.trace.append(
            TracedChoice(
                position: origin.position, group: Int32(place.step.group.index), linear: Int32(place.linear),
                experts: Array(scratch.experts[0..<kept.count]), weights: Array(scratch.weights[0..<kept.count]),
                nullWeight: kept.nullWeight, commonWeight: kept.commonWeight))
    }

    private func score(
        _ row: Int, _ route: SequenceRoute, _ place: borrowing DecisionLane.Place, _ scores: inout [Float]
    ) throws(RouteScoreError) {
        guard let gates = place.scores else { return }
        let count = route.plan.expertCount, range = gates.first..<gates.first + count
        let moments = place.step.products.moments(row, width: place.step.group.inputs)
        try gates.dots.withRow(row) { all throws(RouteScoreError) in
            var span = scores.mutableSpan
            try route.plan.score(
                dots: all.extracting(range), gateSums: gates.sums.span.extracting(range), moments: moments, into: &span)
        }
        if place.site.coversAll { return }
        for expert in 0..<count where !place.site.covers[expert] { scores[expert] = -.infinity }
    }

    /// A choice that no score made.
    private mutating func take(
        _ choice: Choice, _ row: Int, _ origin: RowOrigin, _ route: SequenceRoute, _ place: borrowing DecisionLane.Place
    ) {
        for (expert, weight) in zip(choice.experts, choice.weights) where place.site.covers[Int(expert)] {
            items[place.linear].append(row: row, expert: expert, weight: weight)
        }
        if choice.commonWeight != 0, place.site.common != nil {
            items[place.linear].append(
                row: row, expert: Int32(place.step.set.commonID), weight: choice.commonWeight)
        }
        guard route.traces else { return }
        route.trace.append(
            TracedChoice(
                position: origin.position, group: Int32(place.step.group.index), linear: Int32(place.linear),
                experts: choice.experts, weights: choice.weights, nullWeight: choice.nullWeight,
                commonWeight: choice.commonWeight))
    }
}

import Digest
import Gating
import Kernels
import Synchronization
import Weights

extension ExpertSet {
    /// Packs experts for a trunk, in parallel on the team. Refuses adapters of another trunk and names that come twice.
    package static func load(
        _ sources: [ExpertSource], for model: LanguageModel, calibration: SetCalibration = .none, team: ComputeTeam
    ) throws(ExpertSetError) -> ExpertSet {
        let sorted = sources.sorted { $0.name < $1.name }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.name == right.name {
            throw ExpertSetError("two experts are named '\(left.name)'; rename one")
        }
        do throws(WeightsError) {
            for adapter in sorted.map(\.adapter) + [calibration.common?.adapter].compactMap({ $0 }) {
                try adapter.check(against: model.configuration)
            }
        } catch { throw ExpertSetError(error.description) }
        let groups = model.siteGroups
        let loader = GroupLoader(sources: sorted, calibration: calibration)
        let state = Mutex(LoadState(groups: groups.count))
        team.run(parts: groups.count) { part in
            let result = Result { () throws(ExpertSetError) in try loader.group(groups[part]) }
            state.withLock { $0.record(part, result) }
        }
        let done = state.withLock { $0 }
        if let failure = done.failure { throw failure }
        return ExpertSet(
            experts: sorted.map { Member($0) }, version: version(sorted, calibration),
            calibratedMethods: Set(calibration.nullScores.keys), groups: done.groups)
    }

    private static func version(_ sources: [ExpertSource], _ calibration: SetCalibration) -> SHA256Digest {
        var lines = sources.map { "\($0.name) \($0.hash)" }
        for (method, scores) in calibration.nullScores.sorted(by: { $0.key < $1.key }) {
            lines += scores.sorted { $0.key < $1.key }.map { "\(method) \($0.key) \($0.value.bitPattern)" }
        }
        if let common = calibration.common { lines.append("common \(common.hash)") }
        var digest = SHA256()
        unsafe digest.update(Array(lines.joined(separator: "\n").utf8).span.bytes)
        return digest.finalise()
    }
}

private struct LoadState: Sendable {
    var groups: [GroupExperts?]
    var failure: ExpertSetError?

    init(groups count: Int) { groups = Array(repeating: nil, count: count) }

    mutating func record(_ part: Int, _ result: Result<GroupExperts?, ExpertSetError>) {
        switch result {
        case .success(let group): groups[part] = group
        case .failure(let error): failure = failure ?? error
        }
    }
}

extension ExpertSet.Member {
    fileprivate init(_ source: ExpertSource) {
        var kinds: Set<GateKind> = []
        if source.adapter.gates != nil || source.gates != nil { kinds.insert(.gate) }
        if source.adapter.prototypes != nil || source.prototypes != nil { kinds.insert(.prototype) }
        if source.adapter.averageActivations != nil || source.meanActivations != nil { kinds.insert(.meanActivation) }
        self.init(name: source.name, hash: source.hash, gateKinds: kinds, isResident: source.isResident)
    }
}

/// Packs one site group at a time.
private struct GroupLoader: Sendable {
    let sources: [ExpertSource]
    let calibration: SetCalibration

    func group(_ group: SiteGroup) throws(ExpertSetError) -> GroupExperts? {
        let sites = try group.linears.map { linear throws(ExpertSetError) in try site(linear.site) }
        guard sites.contains(where: { $0 != nil }) else { return nil }
        var gates: [GateKind: GroupGates] = [:]
        for kind in GateKind.allCases { gates[kind] = try self.gates(kind, group, sites) }
        return GroupExperts(sites: sites, gates: gates)
    }

    private func site(_ name: String) throws(ExpertSetError) -> SiteExperts? {
        let pairs = sources.map { $0.adapter.pair(at: name) }
        let common = calibration.common?.adapter.pair(at: name)
        guard common != nil || pairs.contains(where: { $0 != nil }) else { return nil }
        let packed = try zip(sources, pairs).map { source, pair throws(ExpertSetError) -> PackedPair? in
            guard source.isResident, let pair else { return nil }
            return try pair.packed(of: source.name)
        }
        return SiteExperts(
            pairs: packed, covers: pairs.map { $0 != nil },
            common: try common.map { pair throws(ExpertSetError) in try pair.packed(of: "common") },
            nullScores: RouteMethod.scored.map { calibration.nullScores[$0.description]?[name] ?? -.infinity })
    }

    private func gates(
        _ kind: GateKind, _ group: SiteGroup, _ sites: [SiteExperts?]
    ) throws(ExpertSetError) -> GroupGates? {
        guard sources.contains(where: { vector(kind, $0, group.linears[0].site) != nil || hasAny(kind, $0, group) })
        else {
            return nil
        }
        var values: [Float] = []
        var first: [Int?] = []
        for (linear, site) in zip(group.linears, sites) {
            first.append(site == nil ? nil : values.count / group.inputs)
            guard site != nil else { continue }
            for source in sources { values += try row(kind, source, linear.site, group.inputs) }
        }
        let sums = stride(from: 0, to: values.count, by: group.inputs).map {
            Standardisation.sum(Array(values[$0..<$0 + group.inputs]))
        }
        do throws(PackingError) {
            return GroupGates(packed: try PackedGates(values, inputs: group.inputs), first: first, sums: sums)
        } catch { throw ExpertSetError("gates of \(group.linears[0].site): \(error)") }
    }

    private func hasAny(_ kind: GateKind, _ source: ExpertSource, _ group: SiteGroup) -> Bool {
        group.linears.contains { vector(kind, source, $0.site) != nil }
    }

    private func vector(_ kind: GateKind, _ source: ExpertSource, _ site: String) -> [Float]? {
        switch kind {
        case .gate: source.gates.map { $0[site] } ?? source.adapter.gates?.vector(at: site)?.floats()
        case .prototype: source.prototypes?[site] ?? source.adapter.prototypes?.vector(at: site)?.floats()
        case .meanActivation:
            source.meanActivations?[site] ?? source.adapter.averageActivations?.vector(at: site)?.floats()
        }
    }

    /// v̄, or a prototype as it is; zeros where the expert has none.
    private func row(
        _ kind: GateKind, _ source: ExpertSource, _ site: String, _ inputs: Int
    ) throws(ExpertSetError) -> [Float] {
        guard let vector = vector(kind, source, site) else { return [Float](repeating: 0, count: inputs) }
        guard vector.count == inputs else {
            throw ExpertSetError(
                "expert \(source.name), \(site): a gate of \(vector.count) numbers for \(inputs) inputs")
        }
        do throws(GateVectorError) {
            return kind == .prototype ? vector : try Standardisation.standardised(vector)
        } catch { throw ExpertSetError("expert \(source.name), \(site): \(error)") }
    }
}

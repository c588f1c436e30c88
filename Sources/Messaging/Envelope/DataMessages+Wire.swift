import CEnvelope
import CProtobufC

extension SetExpert {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__SetExpert> {
        arena.message(skein__set_expert__init) { c in
            c.id = id
            c.expert = arena.text(expert)
            c.sha256 = arena.text(sha256)
        }
    }

    init(_ c: Skein__SetExpert) throws(WireError) {
        self.init(
            id: c.id,
            expert: try readText(c.expert, "SetExpert.expert", max: WireLimits.nameBytesMax),
            sha256: try readText(c.sha256, "SetExpert.sha256", max: WireLimits.nameBytesMax))
    }
}

extension SiteGroupShape {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__SiteGroup> {
        arena.message(skein__site_group__init) { c in
            c.n_sites = sites.count
            c.sites = arena.list(sites) { arena.text($0) }
            c.n_outputs = outputs.count
            c.outputs = arena.list(outputs) { $0 }
            c.inputs = inputs
        }
    }

    init(_ c: Skein__SiteGroup) throws(WireError) {
        self.init(
            sites: try readList(c.sites, c.n_sites, "SiteGroup.sites", max: WireLimits.sitesPerGroupMax) {
                (text) throws(WireError) in
                try readText(text, "SiteGroup.sites", max: WireLimits.nameBytesMax)
            },
            outputs: try readList(c.outputs, c.n_outputs, "SiteGroup.outputs", max: WireLimits.sitesPerGroupMax) { $0 },
            inputs: c.inputs)
    }
}

extension OpenSet {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__OpenSet> {
        arena.message(skein__open_set__init) { c in
            c.set = set
            c.nonce = arena.bytes(nonce)
            c.worker = arena.text(worker)
            c.incarnation = incarnation
            c.trunk_sha256 = arena.text(trunkSHA256)
            c.numerics = arena.text(numerics)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { $0.encoded(arena) }
            c.n_groups = groups.count
            c.groups = arena.list(groups) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__OpenSet) throws(WireError) {
        self.init(
            set: c.set,
            nonce: try readNonce(c.nonce, "OpenSet.nonce"),
            worker: try readText(c.worker, "OpenSet.worker", max: WireLimits.nameBytesMax),
            incarnation: c.incarnation,
            trunkSHA256: try readText(c.trunk_sha256, "OpenSet.trunk_sha256", max: WireLimits.nameBytesMax),
            numerics: try readText(c.numerics, "OpenSet.numerics", max: WireLimits.nameBytesMax),
            experts: try readMessages(
                c.experts, c.n_experts, "OpenSet.experts", max: WireLimits.expertsMax, SetExpert.init),
            groups: try readMessages(
                c.groups, c.n_groups, "OpenSet.groups", max: WireLimits.groupsMax, SiteGroupShape.init))
    }
}

extension SetOpened {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__SetOpened> {
        arena.message(skein__set_opened__init) { c in
            c.set = set
            c.nonce = arena.bytes(nonce)
            c.worker = arena.text(worker)
            c.incarnation = incarnation
        }
    }

    init(_ c: Skein__SetOpened) throws(WireError) {
        self.init(
            set: c.set,
            nonce: try readNonce(c.nonce, "SetOpened.nonce"),
            worker: try readText(c.worker, "SetOpened.worker", max: WireLimits.nameBytesMax),
            incarnation: c.incarnation)
    }
}

extension Selection {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Selection> {
        arena.message(skein__selection__init) { c in
            c.site = site
            c.expert = expert
            c.n_rows = rows.count
            c.rows = arena.list(rows) { $0 }
        }
    }

    init(_ c: Skein__Selection) throws(WireError) {
        self.init(
            site: c.site,
            expert: c.expert,
            rows: try readList(c.rows, c.n_rows, "Selection.rows", max: WireLimits.dispatchRowsMax) { $0 })
    }
}

extension Dispatch {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Dispatch> {
        arena.message(skein__dispatch__init) { c in
            c.dispatch = dispatch
            c.set = set
            c.group = group
            c.n_selections = selections.count
            c.selections = arena.list(selections) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Dispatch) throws(WireError) {
        self.init(
            dispatch: c.dispatch,
            set: c.set,
            group: c.group,
            selections: try readMessages(
                c.selections, c.n_selections, "Dispatch.selections", max: WireLimits.selectionsMax, Selection.init))
    }
}

extension Combine {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Combine> {
        arena.message(skein__combine__init) { c in
            c.dispatch = dispatch
        }
    }

    init(_ c: Skein__Combine) throws(WireError) {
        self.init(dispatch: c.dispatch)
    }
}

extension DispatchFailed {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__DispatchFailed> {
        arena.message(skein__dispatch_failed__init) { c in
            c.dispatch = dispatch
            c.set = set
            c.kind = Skein__FailureKind(rawValue: kind.rawValue)
            c.message = arena.text(message)
        }
    }

    init(_ c: Skein__DispatchFailed) throws(WireError) {
        self.init(
            dispatch: c.dispatch,
            set: c.set,
            // A kind from the future is a failure all the same.
            kind: FailureKind(rawValue: c.kind.rawValue) ?? .internal,
            message: try readText(c.message, "DispatchFailed.message", max: WireLimits.messageBytesMax))
    }
}

private func readNonce(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> [UInt8] {
    try readBytes(data, field, count: OpenSet.nonceBytes)
}

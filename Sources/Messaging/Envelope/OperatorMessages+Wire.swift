import CEnvelope
import CProtobufC

extension ChangeExperts {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ChangeExperts> {
        arena.message(skein__change_experts__init) { c in
            c.id = arena.bytes(id.bytes)
            c.change = Skein__ExpertChange(rawValue: change.rawValue)
            c.model = arena.text(model)
            c.expert = arena.text(expert)
            c.sha256 = arena.text(sha256)
            c.folder = arena.text(folder)
            c.worker = arena.text(worker)
            c.shadow = shadow ? 1 : 0
            c.n_shares = shares.count
            c.shares = arena.list(shares) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__ChangeExperts) throws(WireError) {
        self.init(
            id: try readID(c.id, "ChangeExperts.id"),
            change: try readCase(c.change.rawValue, "ChangeExperts.change"),
            model: try readText(c.model, "ChangeExperts.model", max: WireLimits.nameBytesMax),
            expert: try readText(c.expert, "ChangeExperts.expert", max: WireLimits.nameBytesMax),
            sha256: try readText(c.sha256, "ChangeExperts.sha256", max: WireLimits.nameBytesMax),
            folder: try readText(c.folder, "ChangeExperts.folder", max: WireLimits.pathBytesMax),
            worker: try readText(c.worker, "ChangeExperts.worker", max: WireLimits.nameBytesMax), shadow: c.shadow != 0,
            shares: try readMessages(
                c.shares, c.n_shares, "ChangeExperts.shares", max: WireLimits.workersMax, PlacedShare.init))
    }
}

extension PlacedShare {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__PlacedShare> {
        arena.message(skein__placed_share__init) { c in
            c.worker = arena.text(worker)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { arena.text($0) }
        }
    }

    init(_ c: Skein__PlacedShare) throws(WireError) {
        self.init(
            worker: try readText(c.worker, "PlacedShare.worker", max: WireLimits.nameBytesMax),
            experts: try readList(
                c.experts, c.n_experts, "PlacedShare.experts", max: WireLimits.expertsMax
            ) { (name) throws(WireError) in
                try readText(name, "PlacedShare.experts", max: WireLimits.nameBytesMax)
            })
    }
}

extension ExpertsChanged {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ExpertsChanged> {
        arena.message(skein__experts_changed__init) { c in
            c.id = arena.bytes(id.bytes)
            c.model = arena.text(model)
            c.version = version
            c.worker = arena.text(worker)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { arena.text($0) }
        }
    }

    init(_ c: Skein__ExpertsChanged) throws(WireError) {
        self.init(
            id: try readID(c.id, "ExpertsChanged.id"),
            model: try readText(c.model, "ExpertsChanged.model", max: WireLimits.nameBytesMax), version: c.version,
            worker: try readText(c.worker, "ExpertsChanged.worker", max: WireLimits.nameBytesMax),
            experts: try readList(
                c.experts, c.n_experts, "ExpertsChanged.experts", max: WireLimits.expertsMax
            ) { (name) throws(WireError) in
                try readText(name, "ExpertsChanged.experts", max: WireLimits.nameBytesMax)
            })
    }
}

extension PlacedExpert {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__PlacedExpert> {
        arena.message(skein__placed_expert__init) { c in
            c.expert = arena.text(expert)
            c.sha256 = arena.text(sha256)
            c.folder = arena.text(folder)
            c.shadow = shadow ? 1 : 0
            c.stand_in = standIn ? 1 : 0
        }
    }

    init(_ c: Skein__PlacedExpert) throws(WireError) {
        self.init(
            expert: try readText(c.expert, "PlacedExpert.expert", max: WireLimits.nameBytesMax),
            sha256: try readText(c.sha256, "PlacedExpert.sha256", max: WireLimits.nameBytesMax),
            folder: try readText(c.folder, "PlacedExpert.folder", max: WireLimits.pathBytesMax), shadow: c.shadow != 0,
            standIn: c.stand_in != 0)
    }
}

extension ArrangeExperts {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ArrangeExperts> {
        arena.message(skein__arrange_experts__init) { c in
            c.request = request
            c.model = arena.text(model)
            c.trunk = trunk ? 1 : 0
            c.trunk_sha256 = arena.text(trunkSHA256)
            c.n_published = published.count
            c.published = arena.list(published) { $0.encoded(arena) }
            c.n_retired = retired.count
            c.retired = arena.list(retired) { arena.text($0) }
            c.n_shares = shares.count
            c.shares = arena.list(shares) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__ArrangeExperts) throws(WireError) {
        self.init(
            request: c.request,
            model: try readText(c.model, "ArrangeExperts.model", max: WireLimits.nameBytesMax), trunk: c.trunk != 0,
            trunkSHA256: try readText(
                c.trunk_sha256, "ArrangeExperts.trunk_sha256", max: WireLimits.nameBytesMax),
            published: try readMessages(
                c.published, c.n_published, "ArrangeExperts.published", max: WireLimits.expertsMax, PlacedExpert.init),
            retired: try readList(
                c.retired, c.n_retired, "ArrangeExperts.retired", max: WireLimits.expertsMax
            ) { (name) throws(WireError) in
                try readText(name, "ArrangeExperts.retired", max: WireLimits.nameBytesMax)
            },
            shares: try readMessages(
                c.shares, c.n_shares, "ArrangeExperts.shares", max: WireLimits.workersMax, PlacedShare.init))
    }
}

extension ExpertsArranged {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ExpertsArranged> {
        arena.message(skein__experts_arranged__init) { c in
            c.request = request
            c.kind = Skein__FailureKind(rawValue: kind?.rawValue ?? 0)
            c.message = arena.text(message)
        }
    }

    init(_ c: Skein__ExpertsArranged) throws(WireError) {
        self.init(
            request: c.request,
            kind: c.kind.rawValue == 0 ? nil : FailureKind(rawValue: c.kind.rawValue) ?? .internal,
            message: try readText(c.message, "ExpertsArranged.message", max: WireLimits.messageBytesMax))
    }
}

extension ShadowReport {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ShadowReport> {
        arena.message(skein__shadow_report__init) { c in
            c.model = arena.text(model)
            c.expert = arena.text(expert)
            c.texts = texts
            c.tokens = tokens
            c.nll_change = nllChange
            c.share = share
            c.live_rows = liveRows
            c.live_share = liveShare
            c.run = run
        }
    }

    init(_ c: Skein__ShadowReport) throws(WireError) {
        self.init(
            model: try readText(c.model, "ShadowReport.model", max: WireLimits.nameBytesMax),
            expert: try readText(c.expert, "ShadowReport.expert", max: WireLimits.nameBytesMax), texts: c.texts,
            tokens: c.tokens, nllChange: c.nll_change, share: c.share, liveRows: c.live_rows, liveShare: c.live_share,
            run: c.run)
    }
}

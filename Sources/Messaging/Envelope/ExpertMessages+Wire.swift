import CEnvelope
import CProtobufC

extension ExpertHolding {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ExpertHolding> {
        arena.message(skein__expert_holding__init) { c in
            c.expert = arena.text(expert)
            c.trunk_sha256 = arena.text(trunkSHA256)
            c.sha256 = arena.text(sha256)
            c.gates_sha256 = arena.text(gatesSHA256)
            c.bytes = bytes
            c.stand_in = standIn ? 1 : 0
        }
    }

    init(_ c: Skein__ExpertHolding) throws(WireError) {
        self.init(
            expert: try readText(c.expert, "ExpertHolding.expert", max: WireLimits.nameBytesMax),
            trunkSHA256: try readText(c.trunk_sha256, "ExpertHolding.trunk_sha256", max: WireLimits.nameBytesMax),
            sha256: try readText(c.sha256, "ExpertHolding.sha256", max: WireLimits.nameBytesMax),
            gatesSHA256: try readText(c.gates_sha256, "ExpertHolding.gates_sha256", max: WireLimits.nameBytesMax),
            bytes: c.bytes, standIn: c.stand_in != 0)
    }
}

extension DataEndpoint {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__DataEndpoint> {
        arena.message(skein__data_endpoint__init) { c in
            c.address = arena.text(address)
            c.public_key = arena.text(publicKey)
        }
    }

    init(_ c: Skein__DataEndpoint) throws(WireError) {
        self.init(
            address: try readText(c.address, "DataEndpoint.address", max: WireLimits.addressBytesMax),
            publicKey: try readText(c.public_key, "DataEndpoint.public_key", max: WireLimits.nameBytesMax))
    }
}

extension ExpertHolder {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ExpertHolder> {
        arena.message(skein__expert_holder__init) { c in
            c.worker = arena.text(worker)
            c.incarnation = incarnation
            c.data = data.encoded(arena)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__ExpertHolder) throws(WireError) {
        self.init(
            worker: try readText(c.worker, "ExpertHolder.worker", max: WireLimits.nameBytesMax),
            incarnation: c.incarnation,
            data: try c.data.map { (message) throws(WireError) in try DataEndpoint(message.pointee) } ?? DataEndpoint(),
            experts: try readMessages(
                c.experts, c.n_experts, "ExpertHolder.experts", max: WireLimits.expertsMax, ExpertHolding.init))
    }
}

extension Membership {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Membership> {
        arena.message(skein__membership__init) { c in
            c.version = version
            c.n_holders = holders.count
            c.holders = arena.list(holders) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Membership) throws(WireError) {
        self.init(
            version: c.version,
            holders: try readMessages(
                c.holders, c.n_holders, "Membership.holders", max: WireLimits.workersMax, ExpertHolder.init))
    }
}

extension MissingExpert {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__MissingExpert> {
        arena.message(skein__missing_expert__init) { c in
            c.expert = arena.text(expert)
            c.rows = rows
        }
    }

    init(_ c: Skein__MissingExpert) throws(WireError) {
        self.init(
            expert: try readText(c.expert, "MissingExpert.expert", max: WireLimits.nameBytesMax),
            rows: c.rows)
    }
}

extension LayerDrops {
    /// Ranks, and parts of a prompt.
    private static let partsMax = 1024

    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__LayerDrops> {
        arena.message(skein__layer_drops__init) { c in
            c.layer = layer
            c.choices = choices
            c.n_by_rank = byRank.count
            c.by_rank = arena.list(byRank) { $0 }
            c.n_by_position = byPosition.count
            c.by_position = arena.list(byPosition) { $0 }
        }
    }

    init(_ c: Skein__LayerDrops) throws(WireError) {
        self.init(
            layer: c.layer, choices: c.choices,
            byRank: try readList(c.by_rank, c.n_by_rank, "LayerDrops.by_rank", max: Self.partsMax) { $0 },
            byPosition: try readList(
                c.by_position, c.n_by_position, "LayerDrops.by_position", max: Self.partsMax
            ) { $0 })
    }
}

extension Relocation {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Relocation> {
        arena.message(skein__relocation__init) { c in
            c.expert = arena.text(expert)
            c.from = arena.text(from)
            c.to = arena.text(to)
            c.reloaded = reloaded ? 1 : 0
        }
    }

    init(_ c: Skein__Relocation) throws(WireError) {
        self.init(
            expert: try readText(c.expert, "Relocation.expert", max: WireLimits.nameBytesMax),
            from: try readText(c.from, "Relocation.from", max: WireLimits.nameBytesMax),
            to: try readText(c.to, "Relocation.to", max: WireLimits.nameBytesMax), reloaded: c.reloaded != 0)
    }
}

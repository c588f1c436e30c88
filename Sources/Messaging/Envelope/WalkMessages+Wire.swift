import CEnvelope
import CProtobufC

extension Reading {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Reading> {
        arena.message(skein__reading__init) { c in
            c.n_logits = logits.count
            c.logits = arena.list(logits) { $0 }
            c.mass = mass
        }
    }

    init(_ c: Skein__Reading) throws(WireError) {
        self.init(
            logits: try readList(c.logits, c.n_logits, "Reading.logits", max: WireLimits.functionalTokensMax) { $0 },
            mass: c.mass)
    }
}

extension NodeShare {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__NodeShare> {
        arena.message(skein__node_share__init) { c in
            c.node = arena.text(node)
            c.untouched = untouched
            c.share = share
            c.in_play = inPlay ? 1 : 0
        }
    }

    init(_ c: Skein__NodeShare) throws(WireError) {
        self.init(
            node: try readText(c.node, "NodeShare.node", max: WireLimits.nameBytesMax),
            untouched: c.untouched,
            share: c.share,
            inPlay: c.in_play != 0)
    }
}

extension WalkStep {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__WalkStep> {
        arena.message(skein__walk_step__init) { c in
            c.node = arena.text(node)
            c.because = arena.text(because)
            c.outcome = arena.text(outcome)
            c.microseconds = microseconds
            c.confidence = confidence
            c.branch = branch
        }
    }

    init(_ c: Skein__WalkStep) throws(WireError) {
        self.init(
            node: try readText(c.node, "WalkStep.node", max: WireLimits.nameBytesMax),
            because: try readText(c.because, "WalkStep.because", max: WireLimits.nameBytesMax),
            outcome: try readText(c.outcome, "WalkStep.outcome", max: WireLimits.messageBytesMax),
            microseconds: c.microseconds,
            confidence: c.confidence,
            branch: c.branch)
    }
}

extension Walk {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Walk> {
        arena.message(skein__walk__init) { c in
            c.node = arena.text(node)
            c.n_shares = shares.count
            c.shares = arena.list(shares) { $0.encoded(arena) }
            c.mass = mass
            c.rewrite = arena.text(rewrite)
            c.original_kept = originalKept ? 1 : 0
            c.n_lost = lost.count
            c.lost = arena.list(lost) { arena.text($0) }
            c.n_steps = steps.count
            c.steps = arena.list(steps) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__Walk) throws(WireError) {
        self.init(
            node: try readText(c.node, "Walk.node", max: WireLimits.nameBytesMax),
            shares: try readMessages(
                c.shares, c.n_shares, "Walk.shares", max: WireLimits.functionalTokensMax, NodeShare.init),
            mass: c.mass,
            rewrite: try readText(c.rewrite, "Walk.rewrite", max: WireLimits.rewriteBytesMax),
            originalKept: c.original_kept != 0,
            lost: try readList(c.lost, c.n_lost, "Walk.lost", max: WireLimits.lostMax) { (text) throws(WireError) in
                try readText(text, "Walk.lost", max: WireLimits.rewriteBytesMax)
            },
            steps: try readMessages(c.steps, c.n_steps, "Walk.steps", max: WireLimits.walkStepsMax, WalkStep.init))
    }
}

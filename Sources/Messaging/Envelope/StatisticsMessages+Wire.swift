import CEnvelope
import CProtobufC

extension Percentiles {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Percentiles> {
        arena.message(skein__percentiles__init) { c in
            c.name = arena.text(name)
            c.count = count
            c.mean = mean
            c.p50 = p50
            c.p90 = p90
            c.p99 = p99
            c.max = max
        }
    }

    init(_ c: Skein__Percentiles) throws(WireError) {
        self.init(
            name: try readText(c.name, "Percentiles.name", max: WireLimits.nameBytesMax),
            count: c.count,
            mean: c.mean,
            p50: c.p50,
            p90: c.p90,
            p99: c.p99,
            max: c.max)
    }
}

extension Counter {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Counter> {
        arena.message(skein__counter__init) { c in
            c.name = arena.text(name)
            c.value = value
        }
    }

    init(_ c: Skein__Counter) throws(WireError) {
        self.init(
            name: try readText(c.name, "Counter.name", max: WireLimits.nameBytesMax),
            value: c.value)
    }
}

extension ScopeStatistics {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__ScopeStatistics> {
        arena.message(skein__scope_statistics__init) { c in
            c.scope = arena.text(scope)
            c.name = arena.text(name)
            c.n_counters = counters.count
            c.counters = arena.list(counters) { $0.encoded(arena) }
            c.n_latencies = latencies.count
            c.latencies = arena.list(latencies) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__ScopeStatistics) throws(WireError) {
        self.init(
            scope: try readText(c.scope, "ScopeStatistics.scope", max: WireLimits.nameBytesMax),
            name: try readText(c.name, "ScopeStatistics.name", max: WireLimits.nameBytesMax),
            counters: try readMessages(
                c.counters, c.n_counters, "ScopeStatistics.counters", max: WireLimits.countersMax, Counter.init),
            latencies: try readMessages(
                c.latencies, c.n_latencies, "ScopeStatistics.latencies", max: WireLimits.countersMax, Percentiles.init))
    }
}

extension StatisticsRequest {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__StatisticsRequest> {
        arena.message(skein__statistics_request__init) { c in
            c.window_seconds = windowSeconds
        }
    }

    init(_ c: Skein__StatisticsRequest) throws(WireError) {
        self.init(
            windowSeconds: c.window_seconds)
    }
}

extension StatisticsReply {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__StatisticsReply> {
        arena.message(skein__statistics_reply__init) { c in
            c.window_seconds = windowSeconds
            c.since_unix_seconds = sinceUnixSeconds
            c.n_scopes = scopes.count
            c.scopes = arena.list(scopes) { $0.encoded(arena) }
            c.n_shadows = shadows.count
            c.shadows = arena.list(shadows) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__StatisticsReply) throws(WireError) {
        self.init(
            windowSeconds: c.window_seconds,
            sinceUnixSeconds: c.since_unix_seconds,
            scopes: try readMessages(
                c.scopes, c.n_scopes, "StatisticsReply.scopes", max: WireLimits.scopesMax, ScopeStatistics.init),
            shadows: try readMessages(
                c.shadows, c.n_shadows, "StatisticsReply.shadows", max: WireLimits.modelsMax, ShadowReport.init))
    }
}

extension StatisticsEvent {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__StatisticsEvent> {
        arena.message(skein__statistics_event__init) { c in
            c.sequence = sequence
            c.unix_milliseconds = unixMilliseconds
            c.router_epoch = routerEpoch
            c.n_scopes = scopes.count
            c.scopes = arena.list(scopes) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__StatisticsEvent) throws(WireError) {
        self.init(
            sequence: c.sequence,
            unixMilliseconds: c.unix_milliseconds,
            routerEpoch: c.router_epoch,
            scopes: try readMessages(
                c.scopes, c.n_scopes, "StatisticsEvent.scopes", max: WireLimits.scopesMax, ScopeStatistics.init))
    }
}

extension StatusRequest {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__StatusRequest> {
        arena.message(skein__status_request__init) { _ in }
    }

    init(_ c: Skein__StatusRequest) throws(WireError) {
        self.init()
    }
}

extension WorkerStatus {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__WorkerStatus> {
        arena.message(skein__worker_status__init) { c in
            c.name = arena.text(name)
            c.state = arena.text(state)
            c.n_models = models.count
            c.models = arena.list(models) { arena.text($0) }
            c.in_flight = inFlight
            c.capacity = capacity
            c.resident_bytes = residentBytes
            c.progress = progress
            c.numerics = arena.text(numerics)
            c.n_experts = experts.count
            c.experts = arena.list(experts) { arena.text($0) }
        }
    }

    init(_ c: Skein__WorkerStatus) throws(WireError) {
        self.init(
            name: try readText(c.name, "WorkerStatus.name", max: WireLimits.nameBytesMax),
            state: try readText(c.state, "WorkerStatus.state", max: WireLimits.nameBytesMax),
            models: try readList(c.models, c.n_models, "WorkerStatus.models", max: WireLimits.modelsMax) {
                (text) throws(WireError) in
                try readText(text, "WorkerStatus.models", max: WireLimits.nameBytesMax)
            },
            inFlight: c.in_flight,
            capacity: c.capacity,
            residentBytes: c.resident_bytes,
            progress: c.progress,
            numerics: try readText(c.numerics, "WorkerStatus.numerics", max: WireLimits.nameBytesMax),
            experts: try readList(c.experts, c.n_experts, "WorkerStatus.experts", max: WireLimits.expertsMax) {
                (text) throws(WireError) in
                try readText(text, "WorkerStatus.experts", max: WireLimits.nameBytesMax)
            })
    }
}

extension NodeStatus {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__NodeStatus> {
        arena.message(skein__node_status__init) { c in
            c.name = arena.text(name)
            c.model = arena.text(model)
            c.ready_workers = readyWorkers
        }
    }

    init(_ c: Skein__NodeStatus) throws(WireError) {
        self.init(
            name: try readText(c.name, "NodeStatus.name", max: WireLimits.nameBytesMax),
            model: try readText(c.model, "NodeStatus.model", max: WireLimits.nameBytesMax),
            readyWorkers: c.ready_workers)
    }
}

extension StatusReply {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__StatusReply> {
        arena.message(skein__status_reply__init) { c in
            c.cluster = arena.text(cluster)
            c.state = arena.text(state)
            c.uptime_milliseconds = uptimeMilliseconds
            c.queued = queued
            c.in_flight = inFlight
            c.n_workers = workers.count
            c.workers = arena.list(workers) { $0.encoded(arena) }
            c.n_nodes = nodes.count
            c.nodes = arena.list(nodes) { $0.encoded(arena) }
        }
    }

    init(_ c: Skein__StatusReply) throws(WireError) {
        self.init(
            cluster: try readText(c.cluster, "StatusReply.cluster", max: WireLimits.nameBytesMax),
            state: try readText(c.state, "StatusReply.state", max: WireLimits.nameBytesMax),
            uptimeMilliseconds: c.uptime_milliseconds,
            queued: c.queued,
            inFlight: c.in_flight,
            workers: try readMessages(
                c.workers, c.n_workers, "StatusReply.workers", max: WireLimits.workersMax, WorkerStatus.init),
            nodes: try readMessages(c.nodes, c.n_nodes, "StatusReply.nodes", max: WireLimits.nodesMax, NodeStatus.init))
    }
}

import Testing
import Topology

/// One mistake: the file, and every issue as `line: key: start of the message`.
struct Mistake: CustomTestStringConvertible {
    let title: String
    let yaml: String
    let issues: [String]
    var testDescription: String { title }

    init(_ title: String, _ yaml: String, _ issues: String...) {
        self.title = title
        self.yaml = yaml
        self.issues = issues
    }
}

/// Two experts, german on line 9, workers from line 11 on.
func routed(
    _ extra: String = "log: {}", router: String = "{trunk: [m]}", route: String = "{}", workers: String
) -> String {
    """
    name: test
    router: \(router)
    models:
      - name: m
        file: m.gguf
        experts:
          store: store
          route: \(route)
          names: [french, german]
    workers:
    \(workers)
    \(extra)
    """
}

private let router = "router:\n  "

private let mistakes: [Mistake] = [
    // Files that are no topology.
    Mistake("empty", "", "1: : is empty"),
    Mistake("only a comment", "# nothing\n", "1: : is empty"),
    Mistake("a list", "- a\n", "1: : expected a mapping"),
    Mistake("not YAML", "name: test\nmodels: [m\nworkers: 1", "3: : is not YAML here"),
    Mistake("two documents", minimal("---\nname: other"), "8: : is not YAML here"),
    Mistake("a tab", "name: test\n\tmodels: []", "2: : is not YAML here"),
    // Keys.
    Mistake("unknown key", minimal("modles: []"), "8: modles: unknown key; did you mean `models`?"),
    Mistake("unknown key, nothing near", minimal("colour: red"), "8: colour: unknown key (a topology takes name,"),
    Mistake(
        "unknown key, nested", minimal(router + "limits:\n    queue_mx: 3"),
        "10: router.limits.queue_mx: unknown key; did you mean `queue_max`?"),
    Mistake(
        "duplicate key", minimal("name: again"), "8: name: is given more than once in one mapping, first at line 1"),
    Mistake(
        "duplicate key in a list",
        "name: x\nmodels:\n  - file: a\n    # twice\n    name: m\n\n    file: b\nworkers: []",
        "7: file: is given more than once in one mapping, first at line 3"),
    Mistake(
        "duplicate key in braces", minimal("log: {files: 1, files: 2}"),
        "8: files: is given more than once in one mapping, first at line 8"),
    Mistake("nothing but a name", "name: x", "1: models: is missing", "1: workers: is missing"),
    Mistake("name missing", "models: [{name: m, file: f}]\nworkers: [{name: a, models: [m]}]", "1: name: is missing"),
    // Values.
    Mistake("a mapping where text belongs", minimal("default_node: {a: b}"), "8: default_node: expected one value"),
    Mistake("text where a list belongs", minimal("nodes: m"), "8: nodes: expected a list"),
    Mistake("text where a mapping belongs", minimal("log: loud"), "8: log: expected a mapping"),
    Mistake("no value", minimal("default_node:"), "8: default_node: has no value"),
    Mistake("a control character", minimal("default_node: \"m\\u0007\""), "8: default_node: has a control character"),
    Mistake(
        "a number that is none", minimal("log:\n  megabytes: 1.5\n  files: -1"),
        "9: log.megabytes: `1.5` is not a whole number", "10: log.files: `-1` is not a whole number"),
    Mistake("too large", minimal("log: {files: 101}"), "8: log.files: 101 is out of range; give 1 to 100 files"),
    Mistake(
        "larger than a machine word", minimal("log: {files: 99999999999999999999}"),
        "8: log.files: `99999999999999999999`"),
    Mistake("a choice", minimal("log: {level: inof}"), "8: log.level: `inof` is not known; did you mean `info`?"),
    Mistake("a flag", minimal("security: {insecure: yes}"), "8: security.insecure: `yes` is neither true nor false"),
    Mistake(
        "threads", minimal("  - {name: b, models: [m], threads: all}"), "8: workers[1].threads: `all` is not a whole"),
    Mistake("names", "name: ../up\n" + minimal().dropFirst("name: test\n".count), "1: name: `../up` is not a name"),
    Mistake(
        "a digest", "name: x\nmodels: [{name: m, file: f, sha256: abc}]\nworkers: [{name: a, models: [m]}]",
        "2: models[0].sha256: is not a SHA-256"),
    Mistake(
        "a capacity of 0",
        "name: x\nmodels: [{name: m, file: f, capacity: colossal:0}]\nworkers: [{name: a, models: [m]}]",
        "2: models[0].capacity: has the factor 0"),
    Mistake(
        "another capacity", "name: x\nmodels: [{name: m, file: f, capacity: roomy}]\nworkers: [{name: a, models: [m]}]",
        "2: models[0].capacity: is 'roomy'"),
    // Limits that contradict each other.
    Mistake(
        "defaults above the bound",
        minimal(
            router + "limits: {max_tokens_default: 9, max_tokens_max: 8, deadline_milliseconds_default: 300, "
                + "deadline_milliseconds_max: 200}"),
        "9: router.limits.max_tokens_default: 9 is more than", "9: router.limits.deadline_milliseconds_default: 300 is"),
    Mistake(
        "no room for a late heartbeat",
        minimal(router + "limits: {heartbeat_milliseconds: 500, worker_lost_milliseconds: 600}"),
        "9: router.limits.worker_lost_milliseconds: 600 leaves no room"),
    // Endpoints.
    Mistake("an endpoint", minimal(router + "front: udp://x:1"), "9: router.front: `udp://x:1` is no endpoint"),
    Mistake("no port", minimal(router + "front: tcp://localhost"), "9: router.front: `tcp://localhost` has no port"),
    Mistake("port 0", minimal(router + "front: tcp://localhost:0"), "9: router.front: `0` is no port; give 1 to 65535"),
    Mistake("port 65536", minimal(router + "front: tcp://localhost:65536"), "9: router.front: `65536` is no port"),
    Mistake("no host", minimal(router + "front: tcp://:80"), "9: router.front: `` is no host"),
    Mistake(
        "a relative socket", minimal(router + "front: ipc://s.sock"), "9: router.front: the socket path `s.sock` is not"
    ),
    Mistake(
        "a long socket path", minimal(router + "front: ipc:///" + String(repeating: "x", count: 107)),
        "9: router.front: the socket path has 108 bytes and Unix sockets take 107"),
    Mistake(
        "a wildcard", minimal(router + "front: tcp://*:7070\nsecurity: {insecure: true}"),
        "9: router.front: `tcp://*:7070` means every interface"),
    Mistake(
        "a wildcard to advertise",
        minimal(router + "front: {bind: \"tcp://*:1\", advertise: \"tcp://0.0.0.0:1\"}\nsecurity: {insecure: true}"),
        "9: router.front: `tcp://0.0.0.0:1` means every interface"),
    Mistake(
        "ipc that advertises tcp",
        minimal(router + "front: {bind: ipc, advertise: \"tcp://h:1\"}\nsecurity: {insecure: true}"),
        "9: router.front: bind and advertise must both"),
    Mistake(
        "a shared port",
        minimal("security: {insecure: true}\n" + router + "front: tcp://localhost:1\n  control: tcp://127.0.0.1:1"),
        "11: router.control: port 1 is already the front socket's"),
    // Security.
    Mistake("tcp without keys", minimal(router + "front: tcp://h:1"), "9: router.front: tcp needs keys"),
    Mistake(
        "a worker without a key", minimal(router + "control: tcp://h:1\nsecurity: {keys: k, server_key: s}"),
        "6: workers: worker `a` needs a key of its own"),
    Mistake(
        "a remote worker and ipc", minimal("  - {name: b, models: [m], host: remote}"),
        "1: router.control: a remote worker cannot reach an ipc socket"),
    Mistake(
        "one key for replicas", minimal("  - {name: b, models: [m], key: k, replicas: 2}"),
        "8: workers[1].key: a worker key belongs to one worker"),
    // Names that refer to each other.
    Mistake(
        "unknown model", minimal("  - {name: b, models: [mm]}"), "8: workers[1].models[0]: unknown model `mm`; did you"),
    Mistake("a model twice", minimal("  - {name: b, models: [m, m]}"), "8: workers[1].models[1]: `m` is listed twice"),
    Mistake("no models", minimal("  - {name: b, models: []}"), "8: workers[1].models: is empty"),
    Mistake(
        "models missing", minimal("  - {name: b}"), "8: workers[1].models: is missing; list the models it hosts: [m]"),
    Mistake(
        "duplicate worker", minimal("  - {name: a, models: [m]}"),
        "8: workers: `a` is already the name of the entry at line 6"),
    Mistake(
        "a replica's name is taken", minimal("  - {name: a-1, models: [m]}\n  - {name: a, models: [m], replicas: 1}"),
        "9: workers: `a-1` is already the name of the entry at line 8"),
    Mistake("a worker named router", minimal("  - {name: router, models: [m]}"), "8: workers: `router` names another"),
    Mistake(
        "duplicate model",
        "name: x\nmodels:\n  - {name: m, file: f}\n  - {name: m, file: g}\nworkers: [{name: a, models: [m]}]",
        "4: models: `m` is already the name of the entry at line 3"),
    Mistake(
        "a model nobody hosts",
        "name: x\nmodels:\n  - {name: m, file: f}\n  - {name: n, file: g}\nworkers: [{name: a, models: [m]}]",
        "4: models: no worker hosts `n`"),
    Mistake("unknown node", minimal("default_node: n"), "8: default_node: unknown node `n`; did you mean `m`?"),
    Mistake("a node's model", minimal("nodes: [{name: x, model: nn}]"), "8: nodes[0].model: unknown model `nn`"),
    Mistake(
        "a node's kind", minimal("nodes: [{name: x, model: m, kind: expert}]"),
        "8: nodes[0].kind: `expert` is not known"),
    Mistake(
        "duplicate node", minimal("nodes:\n  - {name: x, model: m}\n  - {name: x, model: m}"),
        "10: nodes: `x` is already the name of the entry at line 9"),
    // Experts.
    Mistake(
        "an expert that nobody holds", routed(workers: "  - {name: a, experts: {names: [french]}}"),
        "9: models: no worker holds expert `german` of `m`"),
    Mistake(
        "a trunk that nobody serves",
        routed(router: "{}", workers: "  - {name: a, experts: {names: [french, german]}}"),
        "4: models: no worker hosts `m`, so node `m`", "4: models: nobody serves the trunk of `m`"),
    Mistake(
        "an unknown expert", routed(workers: "  - {name: a, experts: {names: [french, germn, german]}}"),
        "11: workers[0].experts.names[1]: unknown expert `germn`; did you mean `german`?"),
    Mistake(
        "an expert twice", routed(workers: "  - {name: a, experts: {names: [french, german, french]}}"),
        "11: workers[0].experts.names[2]: `french` is listed twice"),
    Mistake(
        "experts of a model without", minimal("  - {name: b, experts: {model: m, names: [x]}}"),
        "8: workers[1].experts.model: `m` is no model with experts"),
    Mistake(
        "a worker with nothing", minimal("  - {name: b}"), "8: workers[1].models: is missing; list the models it hosts"),
    Mistake(
        "data without experts", minimal("  - {name: b, models: [m], data: ipc}"),
        "8: workers[1].data: is where trunks reach a worker's experts"),
    Mistake(
        "a wildcard that nobody can connect to",
        routed(
            "security: {insecure: true}",
            workers: "  - {name: a, experts: {names: [french, german]}, data: \"tcp://*:7080\"}"),
        "11: workers[0].data: `tcp://*:7080` means every interface"),
    Mistake(
        "tcp data without keys",
        routed(workers: "  - {name: a, experts: {names: [french, german]}, data: \"tcp://h:7080\"}"),
        "11: workers: the tcp data endpoint of `a` needs keys"),
    Mistake(
        "one data endpoint for two",
        routed(
            "security: {insecure: true}",
            workers: "  - {name: a, experts: {names: [french, german]}, data: \"tcp://h:7080\"}\n"
                + "  - {name: b, experts: {names: [french]}, data: \"tcp://h:7080\"}"),
        "12: workers: tcp://h:7080 is already the data endpoint of `a`"),
    Mistake(
        "a method that is none",
        routed(route: "{method: fatgoose}", workers: "  - {name: a, experts: {names: [french, german]}}"),
        "8: models[0].experts.route.method: `fatgoose` is no method; did you mean `phatgoose`?"),
    Mistake(
        "a default beyond the bounds",
        routed(
            route: "{top_k: 4, top_k_max: 3, methods: [arrow]}",
            workers: "  - {name: a, experts: {names: [french, german]}}"),
        "8: models[0].experts.route.top_k: 4 is more than top_k_max",
        "8: models[0].experts.route.methods: leaves out the default method, phatgoose"),
    Mistake(
        "two trunks", routed(workers: "  - {name: trunk, experts: {names: [french, german]}}"),
        "11: workers: `trunk` names another process"),
    // Everything at once.
    Mistake(
        "all mistakes are reported, in the order of the lines",
        "name: \nrouter: {front: 3}\nmodels:\n  - {name: m}\nworkers:\n  - {models: [x], capacity: 0}\nnode: 1\n",
        "1: name: has no value", "2: router.front: `3` is no endpoint", "4: models[0].file: is missing",
        "6: workers[0].name: is missing", "6: workers[0].models[0]: unknown model `x`",
        "6: workers[0].capacity: 0 is out of range", "7: node: unknown key; did you mean `nodes`?"),
]

@Suite("Topology: what is wrong with a file, line and key")
struct TopologyErrorTests {
    @Test(arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        let error = try #require(throws: TopologyError.self) { try parse(mistake.yaml) }
        let found = error.issues.map { "\($0.line.map(String.init) ?? "-"): \($0.key): \($0.message)" }
        #expect(found.count == mistake.issues.count, "\(found)")
        for (found, expected) in zip(found, mistake.issues) {
            #expect(found.hasPrefix(expected))
        }
    }

    @Test func theMessageNamesFileLineAndKey() throws {
        let error = try #require(throws: TopologyError.self) {
            try parse(minimal("log: {files: 0}"), path: "dir/t.yaml")
        }
        #expect(error.description == "dir/t.yaml:8: log.files: 0 is out of range; give 1 to 100 files")
    }

    @Test func aHostileFileIsBounded() throws {
        let keys = (0..<5000).map { "k\($0): 1" }.joined(separator: "\n")
        let error = try #require(throws: TopologyError.self) { try parse(minimal(keys)) }
        #expect(error.issues.count == 100)
        #expect(error.issues.last?.message.hasPrefix("more errors follow") == true)

        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: TopologyError.self) { try parse(minimal("nodes: " + deep)) }
        let many = "models: [" + Array(repeating: "{name: m, file: f}", count: 300).joined(separator: ",") + "]"
        #expect(throws: TopologyError.self) { try parse("name: x\n" + many) }
    }

    /// Nine levels of ten aliases each: a billion nodes when written out.
    @Test func aliasesDoNotMultiply() throws {
        var yaml = "a0: &a0 [x]\n"
        for level in 1...9 {
            yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ","))]\n"
        }
        #expect(throws: TopologyError.self) { try parse(minimal(yaml)) }
    }
}

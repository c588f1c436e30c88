import Endpoints
import ExpertStore
import Foundation
import Logging
import Messaging
import Routing
import Statistics
import Synchronization
import Threading
import Tokenization
import Topology

/// The router process: opens what the topology names, then runs the loop until it is told to stop.
package final class RouterService: Sendable {
    private let loop: MessageLoop<RouterShell>
    private let encoder: PromptEncoder
    private let caller: EndpointCaller
    private let content: ContentServer
    private let context: ZeroMQContext
    private let authenticator: Authenticator

    /// Loads the vocabularies, binds the sockets and starts the loop; from then on clients and workers are served.
    package init(_ topology: ClusterTopology, log: Logger) throws {
        if topology.security.insecure {
            log.warning("INSECURE: `insecure: true` lets anyone who reaches the TCP ports do anything")
        }
        let inbox = RouterInbox()
        let doors = try RouterDoors(topology)
        let limits = topology.router.limits
        let encoder = try PromptEncoder(jobsMax: limits.queueMax) { inbox.post(.event($0)) }
        let caller = try EndpointCaller { inbox.postWaiting(.heard($0, $1)) }
        let content = try ContentServer(log: log) { inbox.post(.content($0, $1)) }
        let parts = RouterParts(
            cluster: topology.name, topology: topology, reading: try QueryReading(topology), encoder: encoder,
            caller: caller,
            store: Self.openStore(topology, log),
            configuration: RoutingConfiguration(
                topology, startMicroseconds: UInt64(Date().timeIntervalSince1970 * 1e6)),
            publishing: Publishing(
                plan: ExpertPlan(topology), path: topology.paths.expertsManifest,
                content: ContentStore(folder: topology.paths.content),
                manifest: try ExpertsManifest(readingFrom: topology.paths.expertsManifest),
                shadows: ShadowBook(path: topology.paths.shadowsFile)),
            content: content, log: log)
        self.encoder = encoder
        self.caller = caller
        self.content = content
        context = doors.context
        authenticator = doors.authenticator
        var loopLimits = LoopLimits()
        loopLimits.drainMilliseconds = Int(parts.configuration.drainMilliseconds) + 1000
        loop = try MessageLoop(name: "router", sockets: doors.sockets, limits: loopLimits) { port in
            RouterShell(port: port, parts: parts, inbox: inbox)
        }
        inbox.attach(loop)
        CodePages.forget()
    }

    /// Refuses new queries, lets running ones end within bounds, and ends the loop. Returns at once.
    package func stop() { loop.stop() }

    /// Waits for the end; throws why, where it was not `stop`.
    package func wait() throws {
        let fault = loop.join()
        encoder.stop()
        caller.stop()
        content.stop()
        // The context ends when its last socket is closed, and the authenticator has one.
        authenticator.stop()
        context.end()
        if let fault { throw fault }
    }

    /// The router goes on without a history rather than not at all, and says so.
    private static func openStore(_ topology: ClusterTopology, _ log: Logger) -> StatisticsStore? {
        do throws(StatisticsStoreError) {
            return try StatisticsStore(
                path: topology.statistics.file, retentionDays: topology.statistics.retentionDays,
                retentionRows: topology.statistics.retentionRows, nowUnixSeconds: UInt64(Date().timeIntervalSince1970)
            ) { log.error("statistics: \($0)") }
        } catch {
            log.error("no statistics history: \(error)")
            return nil
        }
    }
}

/// What the shell is made of, ready before its thread starts.
struct RouterParts: Sendable {
    let cluster: String
    let topology: ClusterTopology
    let reading: QueryReading
    let encoder: PromptEncoder
    let caller: EndpointCaller
    let store: StatisticsStore?
    let configuration: RoutingConfiguration
    let publishing: Publishing
    let content: ContentServer
    let log: Logger
}

/// Where other threads leave things for the loop, which is made after them.
final class RouterInbox: Sendable {
    private let loop = Mutex<MessageLoop<RouterShell>?>(nil)

    func attach(_ loop: MessageLoop<RouterShell>) { self.loop.withLock { $0 = loop } }

    /// Before the loop is attached, or after it has ended, nobody waits for what is posted.
    func post(_ value: RouterPosted) { _ = loop.withLock { $0 }?.post(value) }

    /// A loop that is behind holds up the caller rather than losing a piece of an answer.
    func postWaiting(_ value: RouterPosted) {
        guard let loop = loop.withLock({ $0 }) else { return }
        while !loop.post(value), !loop.hasEnded { usleep(1000) }
    }
}

extension QueryReading {
    /// Reads the vocabulary of every model that a node uses; models that share a file share it.
    fileprivate init(_ topology: ClusterTopology) throws {
        var byFile: [String: ModelText] = [:]
        var texts: [String: ModelText] = [:]
        for model in topology.models {
            let text = try byFile[model.file] ?? ModelText(path: model.file)
            byFile[model.file] = text
            texts[model.name] = text
        }
        self.init(
            texts: texts,
            graph: Dictionary(topology.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
            walking: topology.walkingNodes, defaultNode: topology.defaultNode,
            maxTokensDefault: topology.router.limits.maxTokensDefault,
            routed: Set(topology.models.filter { $0.experts != nil }.map(\.name)))
    }
}

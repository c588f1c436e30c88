import Foundation
import SystemReasons
import Topology

/// What is known of one process of a cluster, kept in `processes/NAME.json` so that `stop` and `status` find it after
/// the launcher is gone.
struct ProcessRecord: Codable, Equatable {
    /// "launcher", "router", or a worker's name.
    var name: String
    /// Nil while it is down.
    var identity: ProcessIdentity?
    var startedUnixSeconds: UInt64
    var restarts: Int
    /// How it ended last, since the launch.
    var lastEnding: String?
    /// Why it is down for good.
    var gaveUp: String?
    /// The socket folder that the launcher chose; in its own record only.
    var sockets: String?
}

/// The folder of records.
struct ProcessRecords {
    let folder: String

    init(_ paths: ClusterPaths) {
        folder = paths.processes
    }

    /// Replaces the record atomically: a reader sees the old one or the new one.
    func write(_ record: ProcessRecord) throws(LauncherError) {
        do {
            let data = try JSONEncoder().encode(record)
            try data.write(to: URL(fileURLWithPath: path(record.name)), options: .atomic)
        } catch {
            throw .system(what: "writing \(path(record.name))", reason: SystemReason.text(of: error))
        }
    }

    func read(_ name: String) -> ProcessRecord? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path(name))) else { return nil }
        return try? JSONDecoder().decode(ProcessRecord.self, from: data)
    }

    /// Every record that can be read; the launcher's first, then the router's, then workers by name.
    func all() -> [ProcessRecord] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
        return names.compactMap(read).sorted { (rank($0.name), $0.name) < (rank($1.name), $1.name) }
    }

    func remove(_ name: String) {
        unlink(path(name))
    }

    private func path(_ name: String) -> String { "\(folder)/\(name).json" }

    private func rank(_ name: String) -> Int {
        name == "launcher" ? 0 : name == "router" ? 1 : 2
    }
}

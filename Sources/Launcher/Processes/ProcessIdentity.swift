import Foundation

/// A process, so that no later one with the same number is taken for it: its id, when it started (clock ticks since
/// boot, field 22 of /proc/PID/stat, see proc(5)) and the boot it started in.
package struct ProcessIdentity: Codable, Equatable, Sendable {
    package let processID: Int32
    package let startTicks: UInt64
    package let bootID: String

    /// The process that has this id now; nil when there is none (a zombie counts as none: it only waits to be reaped).
    package init?(of processID: Int32) {
        guard let status = ProcessTable.status(of: processID), !status.isZombie else { return nil }
        self.processID = processID
        startTicks = status.startTicks
        bootID = ProcessTable.bootID
    }

    /// Whether this very process still runs.
    package var isAlive: Bool {
        ProcessIdentity(of: processID) == self
    }

    /// Sends `signal` to the process, and to its group when it leads one; nothing when it is no longer there.
    func send(_ signal: Int32) {
        guard isAlive else { return }
        if getpgid(processID) == processID {
            kill(-processID, signal)
        } else {
            kill(processID, signal)
        }
    }
}

/// What /proc says.
enum ProcessTable {
    struct Status {
        let isZombie: Bool
        let startTicks: UInt64
    }

    /// Changes with every boot of the machine.
    static let bootID =
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"

    static func status(of processID: Int32) -> Status? {
        guard processID > 0, let text = text(of: "/proc/\(processID)/stat"),
            // Field 2, the command, is in parentheses and may hold any character, parentheses too.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // Field 3 is fields[0]; field 22 is fields[19].
        guard fields.count > 19, let startTicks = UInt64(fields[19]) else { return nil }
        return Status(isZombie: fields[0] == "Z" || fields[0] == "X", startTicks: startTicks)
    }

    /// Every process whose environment has `entry` ("NAME=value"), zombies and this process left out.
    static func processes(withEnvironment entry: String) -> [ProcessIdentity] {
        let wanted = Array(entry.utf8)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).filter { $0 != getpid() }.compactMap { processID in
            // The environment of other users' processes cannot be read, which leaves them out.
            guard let environment = bytes(of: "/proc/\(processID)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(wanted) })
            else { return nil }
            return ProcessIdentity(of: processID)
        }
    }

    private static func text(of path: String) -> String? {
        bytes(of: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Files under /proc have no size: read until the end, at most 1 MiB.
    private static func bytes(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < 1 << 20 {
            let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, 4096))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }
}

import Foundation
import SystemReasons

/// A folder of the cluster cannot be used.
package struct ClusterPathsError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let message: String
    package var description: String { "\(path): \(message)" }
}

extension ClusterPaths {
    /// Creates what is missing of both folders, mode 0700, and verifies that the socket folder is ours alone.
    package func prepare() throws(ClusterPathsError) {
        for folder in [state, logs, processes] {
            try makeFolder(folder, advice: "copy the topology into a folder that you may write to")
        }
        try requireRoom()
        let parent = URL(fileURLWithPath: sockets).deletingLastPathComponent().path
        // The parent first: under /tmp somebody else may have made it before us.
        for folder in [parent, sockets] {
            try makeFolder(folder, advice: "set XDG_RUNTIME_DIR to a folder of yours with mode 0700")
            guard Self.isPrivateFolder(folder, userID: userID) else {
                throw ClusterPathsError(
                    path: folder,
                    message: "is not a folder that belongs to user \(userID) alone (mode 0700); sockets in it could be "
                        + "reached by others. Remove it or `chmod 700` it, or set XDG_RUNTIME_DIR to a folder of yours")
            }
        }
    }

    /// Removes the socket folder and what is left in it. Only after every process of the cluster has ended.
    package func removeSockets() {
        guard Self.isPrivateFolder(sockets, userID: userID) else { return }
        try? FileManager.default.removeItem(atPath: sockets)
    }

    /// On a full disk nothing could say why nothing starts: not even the logs.
    private func requireRoom() throws(ClusterPathsError) {
        let probe = state + "/.room"
        defer { try? FileManager.default.removeItem(atPath: probe) }
        do { try Data(repeating: 0x20, count: Self.roomBytesMin).write(to: URL(fileURLWithPath: probe)) } catch {
            throw ClusterPathsError(
                path: state,
                message:
                    "cannot be written to (\(SystemReason.text(of: error))); make room, or copy the topology elsewhere")
        }
    }

    /// For logs, process records and the statistics' first pages.
    private static let roomBytesMin = 1 << 18

    private func makeFolder(_ path: String, advice: String) throws(ClusterPathsError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ClusterPathsError(
                path: path, message: "cannot be created (\(SystemReason.text(of: error))); \(advice)")
        }
    }
}

import Foundation

extension ContentStore {
    /// What nobody has asked for during this time may go; who takes an expert in or loads one is done long before.
    package static let unusedSeconds = 600.0

    /// Removes what nobody needs: contents other than those named that were not used for a while, and what is left of transfers that
    /// broke off. Whoever needs one again asks for it again.
    ///
    /// - Parameter kept: hashes, hexadecimal.
    /// - Returns: the hashes of the contents that are gone, sorted.
    @discardableResult
    package func clean(keeping kept: Set<String>, unusedSeconds: Double = unusedSeconds) -> [String] {
        let files = FileManager.default
        let names = (try? files.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().filter { name in
            let path = "\(folder)/\(name)"
            guard isOurs(name), !kept.contains(name),
                let used = try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date,
                Date().timeIntervalSince(used) >= unusedSeconds
            else { return false }
            return (try? files.removeItem(atPath: path)) != nil && !name.hasPrefix(".")
        }
    }

    /// A content, or a transfer's staging folder; anything else was put there by somebody else.
    private func isOurs(_ name: String) -> Bool {
        func isHex(_ text: Substring) -> Bool { !text.isEmpty && text.allSatisfy { $0.isHexDigit } }
        if name.count == 64, isHex(name[...]) { return true }
        guard name.hasPrefix("."), let dash = name.firstIndex(of: "-") else { return false }
        return isHex(name[name.index(after: name.startIndex)..<dash])
    }
}

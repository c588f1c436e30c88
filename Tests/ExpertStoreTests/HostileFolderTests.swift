import ExpertStore
import Foundation
import Glibc
import Testing
import Weights

/// Folders that somebody made to do harm, or broke: refused by name, and nothing waits or grows.
struct HostileFolderTests {
    private func spoiled(_ file: String, _ spoil: (String) throws -> Void, _ use: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let expert = "\(folder)/french"
            try copy("\(ShippedExperts.folder)/french", expert)
            try FileManager.default.removeItem(atPath: "\(expert)/\(file)")
            try spoil("\(expert)/\(file)")
            try use(expert)
        }
    }

    private func verify(_ folder: String) throws { try StoredExpert(folder: folder).verify() }

    private func bringIn(_ folder: String) throws {
        let trunk = try ShippedExperts.trunk()
        _ = try ExpertImport(
            source: folder, store: "\(folder)/../store", name: "new", trunkName: "tiny", trunk: trunk.configuration,
            trunkHash: trunk.hash
        ).run()
    }

    private static let files = ["adapter_model.safetensors", "adapter_config.json", "phatgoose_gates.safetensors"]

    @Test(arguments: files + ["expert.yaml"])
    func aPipeIsNotWaitedFor(file: String) {
        expectError(.unreadable, "type") { try spoiled(file, { #expect(mkfifo($0, 0o600) == 0) }, verify) }
        if file == "expert.yaml" { return }
        expectError(.unreadable, "type") { try spoiled(file, { #expect(mkfifo($0, 0o600) == 0) }, bringIn) }
    }

    @Test(arguments: files + ["expert.yaml"])
    func aDeviceIsNotRead(file: String) {
        func link(_ path: String) throws {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        }
        expectError(.unreadable, "type") { try spoiled(file, link, verify) }
        if file == "expert.yaml" { return }
        expectError(.unreadable, "type") { try spoiled(file, link, bringIn) }
    }

    @Test func aFolderIsNoFile() {
        func folder(_ path: String) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        expectError(.unreadable, "type") { try spoiled("adapter_config.json", folder, verify) }
        expectError(.unreadable, "type") { try spoiled("expert.yaml", folder, verify) }
    }

    /// What an import does not read, it does not take from elsewhere on this machine either.
    @Test func notesAreNotFetchedThroughALink() throws {
        func link(_ path: String) throws {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/hostname")
        }
        expectError(.unsupported, "link") { try spoiled("training.json", link, bringIn) }
        try spoiled("training.json", { _ in }, bringIn)
    }

    @Test func anImportsErrorNamesTheSource() throws {
        try withTemporaryFolder { folder in
            let expert = "\(folder)/french"
            try copy("\(ShippedExperts.folder)/french", expert)
            try edit("\(expert)/adapter_config.json", "\"r\": 8", "\"r\": 4")
            let error = #expect(throws: ExpertStoreError.self) { try bringIn(expert) }
            #expect(error?.file.hasPrefix("\(expert)/adapter_") == true, "\(error?.file ?? "nothing")")
        }
    }

    /// A link to a file with the right content is as good as the file; one to another is found by its hash.
    @Test func aLinkIsWhatItLeadsTo() throws {
        func link(_ name: String) -> (String) throws -> Void {
            { path in
                try FileManager.default.createSymbolicLink(
                    atPath: path, withDestinationPath: "\(ShippedExperts.folder)/\(name)/adapter_model.safetensors")
            }
        }
        try spoiled("adapter_model.safetensors", link("french"), verify)
        expectError(.hashMismatch, "SHA-256") { try spoiled("adapter_model.safetensors", link("german"), verify) }
    }
}

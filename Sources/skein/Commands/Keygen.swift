import ArgumentParser
import Foundation
import Messaging

struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws a CURVE key pair and writes NAME.key (secret, 0600) and NAME.pub.",
        discussion: """
            A line for the router's list of authorised keys is printed: public key, roles, name. The roles are client,
            worker, operator and observer; a worker's key carries the worker's name in the topology.
            """)

    @Argument(help: "Whose key it is: 1 to 64 of A-Z a-z 0-9 . _ -") var name: String
    @Option(help: "Roles for the line that is printed, separated by commas.") var roles: String = "client"
    @Option(help: "The folder for the two files.") var folder: String = "."

    func validate() throws {
        guard Identity.isValidName(name) else {
            throw ValidationError("NAME is \"\(name)\"; use 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        guard let given = Identity.parseRoles(roles), !given.isEmpty else {
            let known = KeyRole.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--roles is \"\(roles)\"; use each of \(known) at most once, separated by commas")
        }
    }

    func run() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw CommandFailure.usage("--folder \(folder): there is no such folder; make it, or give another")
        }
        let pair = try KeyFile.generate(name: name, folder: folder)
        Terminal.note("wrote \(folder)/\(name).key and \(folder)/\(name).pub")
        print("\(pair.publicKey) \(roles) \(name)")
    }
}

import ArgumentParser
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

    func run() throws {
        let pair = try KeyFile.generate(name: name, folder: folder)
        Terminal.note("wrote \(folder)/\(name).key and \(folder)/\(name).pub")
        print("\(pair.publicKey) \(roles) \(name)")
    }
}

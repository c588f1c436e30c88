import Foundation

/// How a launcher supervises.
package struct LaunchOptions: Sendable {
    /// The program that is started for each entry: `EXECUTABLE router|worker --topology F [--name W]`.
    package var executable = ownExecutable
    package var policy = RestartPolicy()
    /// For the router to end its queries and say goodbye, after SIGTERM.
    package var drainMilliseconds = 10_000
    /// For workers, after the router is gone.
    package var stopMilliseconds = 5000
    /// How often it looks at its children.
    package var pollMilliseconds = 20

    package init() {}

    /// The file that this process runs.
    package static var ownExecutable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}

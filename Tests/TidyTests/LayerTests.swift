import Foundation
import Testing

@Suite("Tidy: layers")
struct LayerTests {
    /// The one Swift target that may import each C module. Tests may look behind the wrapper they test.
    static let wrappers: [String: String] = [
        "CZeroMQ": "Messaging", "CEnvelope": "Messaging", "CProtobufC": "Messaging", "COpenSSL": "Digest",
        "CKernels": "Kernels", "CPlatform": "Threading", "COpenBLAS": "LinearAlgebra",
        "CCurl": "Endpoints",
    ]

    private let manifest: PackageManifest
    /// From the table in Documentation/Architecture.md.
    private let layers: [String: Int]

    init() throws {
        manifest = PackageManifest(parsing: try Repository.text(of: "Package.swift"))
        let table = try Repository.text(of: "Documentation/Architecture.md")
        var layers: [String: Int] = [:]
        for row in table.matches(of: /(?m)^\| (\d) \| ([^|]+) \|/) {
            for name in row.output.2.matches(of: /`(\w+)`/) { layers[String(name.output.1)] = Int(row.output.1) }
        }
        self.layers = layers
    }

    @Test func theTableAndThePackageNameTheSameTargets() {
        let declared = Set(manifest.targets.filter { !$0.isTest }.map(\.name))
        #expect(declared == Set(layers.keys))
        let folders = Repository.files(in: "Sources", suffixes: [".swift", ".c", ".modulemap"])
            .map { String($0.split(separator: "/")[1]) }
        #expect(declared == Set(folders))
    }

    @Test func arrowsPointDownwards() {
        #expect(manifest.targets.contains { !$0.dependencies.isEmpty })
        for (index, target) in manifest.targets.enumerated() where !target.isTest {
            let declaredBefore = Set(manifest.targets.prefix(index).map(\.name))
            for dependency in target.dependencies {
                let (upper, lower) = (layers[target.name] ?? -1, layers[dependency] ?? .max)
                #expect(
                    lower < upper || (lower == upper && declaredBefore.contains(dependency)),
                    "\(target.name) (layer \(upper)) depends on \(dependency) (layer \(lower))")
            }
        }
    }

    @Test func cStaysInItsRoom() throws {
        for (target, path) in Repository.swiftSources() {
            for module in try imports(path) {
                guard let wrapper = Self.wrappers[module] else { continue }
                #expect(target == wrapper, "\(path) imports \(module); only \(wrapper) does")
            }
        }
        let cModules = Set(layers.keys.filter { $0.wholeMatch(of: /C[A-Z]\w*/) != nil && layers[$0] == 0 })
        #expect(cModules == Set(Self.wrappers.keys))
    }

    /// Decide purely, act elsewhere: no socket, clock, file, random source or logger.
    @Test(arguments: ["Routing", "Gating", "Deciding", "PortableMath"])
    func decisionsArePure(target: String) throws {
        let sources = Repository.swiftSources().filter { $0.target == target }
        #expect(!sources.isEmpty)
        for (_, path) in sources {
            let found = try imports(path).filter { !["Deciding", "PortableMath"].contains($0) }
            #expect(found.isEmpty, "\(path) imports \(found.joined(separator: ", "))")
            let code = codeOnly(try Repository.text(of: path))
            #expect(!code.contains(/\.random\(|SystemRandomNumberGenerator|ContinuousClock|SuspendingClock/), "\(path)")
        }
    }

    private func imports(_ path: String) throws -> [String] {
        codeOnly(try Repository.text(of: path))
            .matches(
                of:
                    /(?m)^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+(?:struct\s+|class\s+|enum\s+|func\s+)?(\w+)/
            )
            .map { String($0.output.1) }
    }

    @Test func theManifestIsRead() {
        let text = """
            .target(name: "A", dependencies: ["B", .product(name: "X", package: "x"), "C"], swiftSettings: strict),
            .systemLibrary(
                name: "D", pkgConfig: "d", providers: [.apt(["e"])]), // .target(name: "F")
            .testTarget(name: "ATests", dependencies: ["A"]),
            """
        let manifest = PackageManifest(parsing: text)
        #expect(
            manifest.targets == [
                .init(name: "A", dependencies: ["B", "C"], isTest: false),
                .init(name: "D", dependencies: [], isTest: false),
                .init(name: "ATests", dependencies: ["A"], isTest: true),
            ])
    }
}

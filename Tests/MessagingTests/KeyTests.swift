import Foundation
import Messaging
import Testing

@Suite struct KeyTests {
    @Test func z85HasOneSpellingPerKey() throws {
        // RFC 32's own example, repeated to 32 bytes: 86 4F D2 6F B5 59 F7 5B is "HelloWorld".
        let word: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
        let key = try #require(CurveKey(z85: String(repeating: "HelloWorld", count: 4)))
        #expect(key.bytes == word + word + word + word)
        #expect(CurveKey(bytes: key.bytes)?.description == String(repeating: "HelloWorld", count: 4))
        for text in [
            "", "HelloWorld", String(repeating: " ", count: 40), String(repeating: "é", count: 20),
            String(repeating: "#", count: 40), String(repeating: "HelloWorld", count: 4) + "x",
        ] {
            #expect(CurveKey(z85: text) == nil, "\(text)")
        }
    }

    @Test func pairsAreGeneratedAndDerived() throws {
        for _ in 0..<50 {
            let pair = try CurveKeyPair.generate()
            #expect(!pair.secretKey.description.hasPrefix("#") && !pair.publicKey.description.hasPrefix("#"))
            #expect(try CurveKeyPair(secretKey: pair.secretKey) == pair)
            #expect(!"\(pair)".contains(pair.secretKey.description))
        }
    }

    @Test func keyFiles() throws {
        let sandbox = try Sandbox()
        let pair = try KeyFile.generate(name: "anna", folder: sandbox.path)
        #expect(try mode("\(sandbox.path)/anna.key") == 0o600)
        #expect(try mode("\(sandbox.path)/anna.pub") == 0o644)
        #expect(try KeyFile.readPair("\(sandbox.path)/anna.key") == pair)
        #expect(try KeyFile.readPublic("\(sandbox.path)/anna.pub") == pair.publicKey)
        #expect(throws: KeyError.self) { try KeyFile.generate(name: "anna", folder: sandbox.path) }
        #expect(try KeyFile.readPair("\(sandbox.path)/anna.key") == pair)
        #expect(throws: KeyError.self) { try KeyFile.generate(name: "../anna", folder: sandbox.path) }
    }

    @Test func secretsThatOthersCanReadAreRefused() throws {
        let sandbox = try Sandbox()
        try KeyFile.generate(name: "anna", folder: sandbox.path)
        chmod("\(sandbox.path)/anna.key", 0o640)
        let error = #expect(throws: KeyError.self) { try KeyFile.readPair("\(sandbox.path)/anna.key") }
        #expect(error?.reason.contains("chmod 600") == true)
    }

    @Test func unreadableKeyFiles() throws {
        let sandbox = try Sandbox()
        for (name, content) in [("empty", Data()), ("text", Data("no key\n".utf8)), ("binary", Data([0xFF, 0xFE]))] {
            try content.write(to: URL(filePath: "\(sandbox.path)/\(name)"))
            chmod("\(sandbox.path)/\(name)", 0o600)
            #expect(throws: KeyError.self) { try KeyFile.readPair("\(sandbox.path)/\(name)") }
        }
        #expect(throws: KeyError.self) { try KeyFile.readPublic(sandbox.path) }
        #expect(throws: KeyError.self) { try KeyFile.readPublic("\(sandbox.path)/missing") }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}

@Suite struct KeyRingTests {
    private let first = String(repeating: "HelloWorld", count: 4)
    private let second = String(repeating: "HelloWorle", count: 4)

    @Test func wellFormed() throws {
        let ring = try KeyRing(
            text: "# who may come in\n\n\(first) client,observer anna\n  \(second)\tworker w-1.a_b \n", place: "keys")
        #expect(ring.identities.count == 2)
        let key = try #require(CurveKey(z85: first))
        #expect(ring.identity(of: key) == Identity(name: "anna", roles: [.client, .observer]))
    }

    /// A key may begin with the comment sign.
    @Test func keysThatLookLikeComments() throws {
        let key = try #require(
            (0...255).lazy.compactMap { (byte: Int) -> CurveKey? in
                CurveKey(bytes: [UInt8](repeating: UInt8(byte), count: 32))
            }.first { $0.description.hasPrefix("#") }
                ?? CurveKey(bytes: [0xFF, 0x00] + [UInt8](repeating: 0, count: 30)))
        let ring = try KeyRing(text: "\(key) client anna", place: "keys")
        #expect(ring.identity(of: key)?.name == "anna")
    }

    @Test func illFormedLinesAreNamed() throws {
        let cases: [(String, Int, String)] = [
            ("\(first) client", 1, "2 fields"), ("\n# c\nshort client anna", 3, "not a Z85 key"),
            ("\(first) admin anna", 1, "roles"), ("\(first) client,client anna", 1, "roles"),
            ("\(first) client, anna", 1, "roles"), ("\(first) client an/na", 1, "name"),
            ("\(first) client local:0", 1, "name"), ("\(first) client a\n\(first) worker b", 2, "already listed"),
            ("\(first) client a\n\(second) worker a", 2, "already has a key"),
        ]
        for (text, line, reason) in cases {
            let error = #expect(throws: KeyError.self) { try KeyRing(text: text, place: "keys") }
            #expect(error?.place == "keys:\(line)")
            #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
        }
    }

    @Test func identitiesSurviveTheUserID() {
        let identities = [
            Identity(name: "anna", roles: [.client]), Identity(name: "w.1", roles: [.worker, .operator, .observer]),
            .local(uid: 1000), .insecure,
        ]
        for identity in identities { #expect(Identity(userID: identity.userID) == identity) }
        #expect(Identity(name: "a", roles: [.client]).hasKey)
        #expect(!Identity.local(uid: 0).hasKey && !Identity.insecure.hasKey)
        for text in ["", "client", "/x", "client/", "root/x", "client/a b", "client/a/b"] {
            #expect(Identity(userID: text) == nil, "\(text)")
        }
    }
}

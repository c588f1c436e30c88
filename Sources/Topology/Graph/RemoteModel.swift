/// `kind: endpoint` — a model behind an OpenAI-compatible server.
package struct RemoteModel: Equatable, Sendable {
    /// Up to and without `/chat/completions`, as in `https://host/v1`; no slash at the end.
    package let url: String
    /// As the server calls it.
    package let model: String
    /// The environment variable that holds the key. The key itself never stands in a topology.
    package let keyVariable: String?
    /// Certificates to trust instead of the system's. Absolute.
    package let certificatesFile: String?
    package let connectMilliseconds: Int
    /// The longest silence between two parts of an answer.
    package let silenceMilliseconds: Int
}

extension RemoteModel {
    static let keys = ["model", "url", "key_variable", "certificates", "connect_milliseconds", "silence_milliseconds"]

    /// Nil, with an issue, when a required key is missing or wrong.
    init?(reading section: Section, paths: ClusterPaths) {
        let url = section.requiredText("url", missing: "give the server's address, as in https://host/v1")
            .flatMap { Self.checked($0, section) }
        let model = section.requiredText("model", missing: "give the model's name as the server calls it")
        keyVariable = Self.variable(section)
        certificatesFile = section.text("certificates").map(paths.resolved)
        connectMilliseconds = section.integer("connect_milliseconds", in: 1...600_000, default: 3000, unit: "ms")
        silenceMilliseconds = section.integer("silence_milliseconds", in: 1...600_000, default: 30_000, unit: "ms")
        guard let url, let model else { return nil }
        self.url = url
        self.model = model
        rejectClear(section)
    }

    private static func checked(_ text: String, _ section: Section) -> String? {
        let rest = text.hasPrefix("https://") ? text.dropFirst(8) : text.hasPrefix("http://") ? text.dropFirst(7) : ""
        let host = rest.prefix { $0 != "/" }
        // What stands before an @ would be a password in a file that others read.
        guard !host.isEmpty, !host.contains("@"), !rest.contains(where: { "?# \"<>".contains($0) }),
            rest.allSatisfy(\.isASCII)
        else {
            section.add(
                "url", "`\(text)` is no address of a server; write https://host/v1, without user, query or fragment")
            return nil
        }
        var trimmed = text
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        return trimmed
    }

    private static func variable(_ section: Section) -> String? {
        guard let name = section.text("key_variable") else { return nil }
        let isName =
            name.utf8.count <= 63 && name.first?.isNumber == false
            && name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_")
            }
        if !isName {
            section.add(
                "key_variable", "names no environment variable; write its name, as in OPENAI_API_KEY, not the key")
        }
        return isName ? name : nil
    }

    /// On this machine nobody listens in; elsewhere a key over http is anybody's.
    private func rejectClear(_ section: Section) {
        guard url.hasPrefix("http://"), keyVariable != nil else { return }
        let host = url.dropFirst(7).prefix { $0 != "/" }
        let isHere = ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix("\($0):") }
        if !isHere {
            section.add("url", "would send the key in the clear; write https://, or leave key_variable out")
        }
    }
}

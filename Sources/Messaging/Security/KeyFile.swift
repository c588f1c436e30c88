import Glibc

/// Key files: one Z85 key on the first line that is neither empty nor a comment. `NAME.key` holds the secret key and is
/// for its owner alone (0600); `NAME.pub` holds the public key and may be shown to anyone.
package enum KeyFile {
    static let bytesMax = 4096

    /// Draws a pair and writes `NAME.key` and `NAME.pub` into `folder`. Existing files are never replaced.
    @discardableResult
    package static func generate(name: String, folder: String) throws -> CurveKeyPair {
        guard Identity.isValidName(name) else {
            throw KeyError(place: "key name \"\(name)\"", reason: "use 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        let pair = try CurveKeyPair.generate()
        let secretPath = "\(folder)/\(name).key", publicPath = "\(folder)/\(name).pub"
        guard access(publicPath, F_OK) != 0 else {
            throw KeyError(place: publicPath, reason: "exists; remove it or choose another name")
        }
        try write(
            "# Skein: secret key of \(name). Keep it to yourself.\n\(pair.secretKey)\n", to: secretPath, mode: 0o600)
        try write("# Skein: public key of \(name).\n\(pair.publicKey)\n", to: publicPath, mode: 0o644)
        return pair
    }

    /// Reads a secret key and derives its public half. A file that others may read is refused.
    package static func readPair(_ path: String) throws -> CurveKeyPair {
        let (key, mode) = try read(path)
        guard mode & 0o077 == 0 else {
            throw KeyError(
                place: path,
                reason: "mode \(String(mode & 0o777, radix: 8)) lets others read a secret key: chmod 600 '\(path)'")
        }
        return try CurveKeyPair(secretKey: key)
    }

    package static func readPublic(_ path: String) throws(KeyError) -> CurveKey { try read(path).key }

    private static func read(_ path: String) throws(KeyError) -> (key: CurveKey, mode: UInt32) {
        let (text, mode) = try TextFile.read(path, bytesMax: bytesMax)
        let line = text.split(whereSeparator: \.isNewline).first { !KeyLine.isCommentOrEmpty($0) }
        guard let line, let key = CurveKey(z85: KeyLine.trimmed(line)) else {
            throw KeyError(place: path, reason: "holds no Z85 key of 40 characters; make one with `skein keygen`")
        }
        return (key, mode)
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws(KeyError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else {
            let hint = errno == EEXIST ? "; remove it or choose another name" : ""
            throw KeyError(place: path, reason: String(cString: strerror(errno)) + hint)
        }
        defer { close(descriptor) }
        // The process's umask may have taken rights away; it must not decide them.
        guard fchmod(descriptor, mode) == 0, Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count,
            fsync(descriptor) == 0
        else { throw KeyError(place: path, reason: String(cString: strerror(errno))) }
    }
}

enum KeyLine {
    /// A comment is `#` alone or followed by white space: a Z85 key, which may begin with `#`, holds no white space.
    static func isCommentOrEmpty(_ line: Substring) -> Bool {
        let text = trimmed(line)
        return text.isEmpty || text == "#" || text.hasPrefix("# ") || text.hasPrefix("#\t")
    }

    static func trimmed(_ line: Substring) -> String {
        let start = line.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}

enum TextFile {
    /// A regular file's text (UTF-8) and mode.
    static func read(_ path: String, bytesMax: Int) throws(KeyError) -> (text: String, mode: UInt32) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw KeyError(place: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw KeyError(place: path, reason: "not a regular file")
        }
        guard status.st_size <= bytesMax else {
            throw KeyError(place: path, reason: "has \(status.st_size) bytes, at most \(bytesMax) are read")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count == bytes.count, let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyError(place: path, reason: "cannot be read as UTF-8 text")
        }
        return (text, status.st_mode)
    }
}

import Yams

extension Section {
    /// The text under `key`; nil when it is absent or (with an issue) no text.
    func text(_ key: String) -> String? {
        guard let node = mapping[key] else { return nil }
        return text(of: node, path: path(key))
    }

    /// Like `text`, and an absent key is an issue: `missing` says what belongs there.
    func requiredText(_ key: String, missing: String) -> String? {
        guard has(key) else {
            issues.add(line: line, key: path(key), "is missing; \(missing)")
            return nil
        }
        return text(key)
    }

    /// A name that may become part of file names, key files and messages: letters, digits, `.`, `_` and `-`, the
    /// first a letter or digit, at most 63 bytes.
    func name(_ key: String, missing: String) -> String? {
        guard let name = requiredText(key, missing: missing) else { return nil }
        guard isName(name) else {
            add(
                key, "`\(name)` is not a name; use up to 63 letters, digits, `.`, `_`, `-`, the first a letter or digit"
            )
            return nil
        }
        return name
    }

    /// A decimal number within `range` (`unit` is for the message).
    func integer(_ key: String, in range: ClosedRange<Int>, default standard: Int, unit: String = "") -> Int {
        guard let text = text(key) else { return standard }
        let of = unit.isEmpty ? "" : " \(unit)"
        guard let value = decimal(text) else {
            add(key, "`\(text)` is not a whole number; give \(range.lowerBound) to \(range.upperBound)\(of)")
            return standard
        }
        guard range.contains(value) else {
            add(key, "\(text) is out of range; give \(range.lowerBound) to \(range.upperBound)\(of)")
            return standard
        }
        return value
    }

    /// A number with or without a fraction within `range`.
    func number(_ key: String, in range: ClosedRange<Float>, default standard: Float) -> Float {
        guard let text = text(key) else { return standard }
        guard let value = Float(text), range.contains(value) else {
            add(key, "`\(text)` is no number from \(range.lowerBound) to \(range.upperBound)")
            return standard
        }
        return value
    }

    /// `true` or `false`, nothing else: YAML 1.1's `yes` and `off` surprise more people than they help.
    func flag(_ key: String, default standard: Bool) -> Bool {
        guard let text = text(key) else { return standard }
        guard let value = Bool(text) else {
            add(key, "`\(text)` is neither true nor false")
            return standard
        }
        return value
    }

    /// One of the words of `Choice`.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, default standard: Choice) -> Choice
    where Choice.RawValue == String {
        guard let text = text(key) else { return standard }
        guard let value = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue)
            add(
                key,
                "`\(text)` is not known\(suggestion(for: text, among: words)) (one of \(words.joined(separator: ", ")))"
            )
            return standard
        }
        return value
    }
}

package func isName(_ text: String) -> Bool {
    guard text.utf8.count <= 63, let first = text.utf8.first, isLetterOrDigit(first) else { return false }
    return text.utf8.allSatisfy {
        isLetterOrDigit($0) || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
    }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}

/// Digits, with `_` between them for the eye (`16_384`); nil for anything else, a sign or an overflow included.
func decimal(_ text: String) -> Int? {
    guard let first = text.utf8.first, let last = text.utf8.last, first != UInt8(ascii: "_"), last != UInt8(ascii: "_")
    else { return nil }
    let digits = text.utf8.filter { $0 != UInt8(ascii: "_") }
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self))
}

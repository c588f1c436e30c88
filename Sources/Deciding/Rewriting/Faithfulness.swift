/// Whether a rewrite keeps what a paraphrase must not lose: numbers, quotations and identifiers of the original.
package enum Faithfulness {
    /// The rewrite, or the original where the rewrite lost something or is blank.
    package static func chosen(original: String, rewrite: String) -> String {
        let isBlank = rewrite.allSatisfy(\.isWhitespace)
        return isBlank || !lost(original: original, rewrite: rewrite).isEmpty ? original : rewrite
    }

    /// What the original has and the rewrite has not, in the original's order.
    package static func lost(original: String, rewrite: String) -> [String] {
        let kept = Set(words(rewrite).map(\.text))
        let words = words(original).filter(\.mustStay).map(\.text).filter { !kept.contains($0) }
        return words + quotations(original).filter { !rewrite.contains($0) }
    }

    struct Word: Equatable {
        let text: String
        let mustStay: Bool
    }

    /// Runs without blanks, brackets, quotes or commas that end a clause; sentence punctuation at the ends is cut off.
    static func words(_ text: String) -> [Word] {
        let characters = Array(text)
        var words: [Word] = []
        var start = 0
        for end in 0...characters.count where end == characters.count || separates(characters, end) {
            var run = characters[start..<end]
            while let last = run.last, ".?!:;,'’".contains(last) { run.removeLast() }
            while let first = run.first, ":;,'’!?".contains(first) { run.removeFirst() }
            let called = end < characters.count && characters[end] == "("
            if !run.isEmpty { words.append(Word(text: String(run), mustStay: mustStay(run, called: called))) }
            start = end + 1
        }
        return words
    }

    private static func separates(_ characters: [Character], _ index: Int) -> Bool {
        let character = characters[index]
        if character.isWhitespace || "()[]{}\"“”„«»`".contains(character) { return true }
        // A comma between digits belongs to a number.
        guard character == "," else { return false }
        let inNumber =
            index > 0 && index + 1 < characters.count && characters[index - 1].isNumber
            && characters[index + 1].isNumber
        return !inNumber
    }

    /// A number, or the look of a name in a program: called, an option, a path, snake_case, camelCase, dotted, letters with digits.
    private static func mustStay(_ run: ArraySlice<Character>, called: Bool) -> Bool {
        if called || run.contains(where: { $0.isNumber || "_/\\@$#<>=".contains($0) }) { return true }
        if run.count > 1, run.first == "-", run.contains(where: \.isLetter) { return true }
        return zip(run, run.dropFirst()).contains { left, right in
            (left.isLowercase && right.isUppercase) || (left == "." && right.isLetter) || (left == ":" && right == ":")
        }
    }

    /// What stands between double quotes of any kind, backquotes, or apostrophes that are not within a word.
    static func quotations(_ text: String) -> [String] {
        let closers: [Character: Set<Character>] = [
            "\"": ["\""], "“": ["”"], "„": ["“", "”"], "«": ["»"], "`": ["`"], "'": ["'"], "‘": ["’"],
        ]
        let characters = Array(text)
        var found: [String] = []
        var index = 0
        while index < characters.count {
            defer { index += 1 }
            let opener = characters[index]
            guard let ends = closers[opener], !(index > 0 && characters[index - 1].isLetter) else { continue }
            let close = characters.indices.dropFirst(index + 1).first {
                ends.contains(characters[$0]) && !isApostrophe(characters, $0)
            }
            guard let close, close > index + 1 else { continue }
            found.append(String(characters[(index + 1)..<close]))
            index = close
        }
        return found
    }

    /// As in "don't": letters on both sides.
    private static func isApostrophe(_ characters: [Character], _ index: Int) -> Bool {
        "'’".contains(characters[index]) && index + 1 < characters.count && characters[index + 1].isLetter
    }
}

extension StringProtocol {
    /// For terminals: control characters, which could move the cursor or set a title, as they would be written in Swift. Line ends stay.
    var printable: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            let isControl = scalar.value < 0x20 && scalar != "\n" || (0x7F...0x9F).contains(scalar.value)
            if isControl { text += scalar.escaped(asASCII: true) } else { text.unicodeScalars.append(scalar) }
        }
    }
}

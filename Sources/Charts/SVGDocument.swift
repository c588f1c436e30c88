/// An SVG picture, element by element: text is escaped, numbers are written with two decimals at most, the same input gives the same bytes.
package struct SVGDocument: Sendable {
    package let width: Double
    package let height: Double
    private var elements: [String] = []

    /// In pixels at the picture's own size.
    package init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    package enum Anchor: String, Sendable { case start, middle, end }

    /// - Parameter hint: what a browser shows where the pointer rests.
    package mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, fill: Colour, hint: String? = nil
    ) {
        let place =
            #"x="\#(Self.number(x))" y="\#(Self.number(y))" width="\#(Self.number(width))" height="\#(Self.number(height))""#
        let start = #"<rect \#(place) fill="\#(fill.text)""#
        elements.append(hint.map { "\(start)><title>\(Self.escaped($0))</title></rect>" } ?? start + "/>")
    }

    package mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 11, anchor: Anchor = .start, fill: Colour = .ink,
        turned degrees: Double = 0
    ) {
        let turn =
            degrees == 0 ? "" : #" transform="rotate(\#(Self.number(degrees)) \#(Self.number(x)) \#(Self.number(y)))""#
        elements.append(
            #"<text x="\#(Self.number(x))" y="\#(Self.number(y))" font-size="\#(Self.number(size))" "#
                + #"text-anchor="\#(anchor.rawValue)" fill="\#(fill.text)"\#(turn)>\#(Self.escaped(text))</text>"#)
    }

    package mutating func line(_ points: [(x: Double, y: Double)], stroke: Colour, width: Double = 1) {
        let list = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
        elements.append(
            #"<polyline points="\#(list)" fill="none" stroke="\#(stroke.text)" stroke-width="\#(Self.number(width))"/>"#
        )
    }

    /// The file's text.
    package var text: String {
        let (w, h) = (Self.number(width), Self.number(height))
        let head =
            #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(w)" height="\#(h)" viewBox="0 0 \#(w) \#(h)" "#
            + #"font-family="system-ui, sans-serif">"#
        let ground = #"<rect width="\#(w)" height="\#(h)" fill="white"/>"#
        return ([head, ground] + elements + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let hundredths = (value * 100).rounded()
        guard hundredths.magnitude < 1e15 else { return "0" }
        let whole = Int64(hundredths)
        let (units, rest) = (whole / 100, Int(whole.magnitude % 100))
        let sign = whole < 0 && units == 0 ? "-" : ""
        if rest == 0 { return "\(units)" }
        return rest % 10 == 0 ? "\(sign)\(units).\(rest / 10)" : "\(sign)\(units).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Characters that XML 1.0 has no place for become U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Lines over one horizontal axis of given values, evenly spaced, from 0 upwards.
package struct LinePlot: Sendable {
    package var title: String
    package var subtitle: String
    package var horizontal: String
    package var values: [Double]
    package var lines: [(name: String, values: [Double])]

    package init(
        title: String, subtitle: String, horizontal: String, values: [Double], lines: [(name: String, values: [Double])]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.horizontal = horizontal
        self.values = values
        self.lines = lines
    }

    private static let colours = [
        Colour(31, 119, 180), Colour(214, 39, 40),
        Colour(44, 160, 44), Colour(148, 103, 189),
    ]
    private static let frame = (left: 56.0, top: 60.0, width: 460.0, height: 240.0)

    package var picture: SVGDocument {
        let frame = Self.frame
        var picture = SVGDocument(width: frame.left + frame.width + 170, height: frame.top + frame.height + 56)
        picture.text(title, x: 16, y: 22, size: 15)
        picture.text(subtitle, x: 16, y: 40)
        let most = Self.roundedUp(lines.flatMap(\.values).filter(\.isFinite).max() ?? 1)
        func y(_ value: Double) -> Double { frame.top + frame.height * (1 - value / most) }
        func x(_ index: Int) -> Double {
            frame.left + frame.width * Double(index) / Double(max(1, values.count - 1))
        }
        let grey = Colour(200, 200, 200)
        for step in 0...4 {
            let value = most * Double(step) / 4
            picture.line([(frame.left, y(value)), (frame.left + frame.width, y(value))], stroke: grey)
            picture.text(Self.text(value), x: frame.left - 8, y: y(value) + 4, size: 10, anchor: .end)
        }
        for (index, value) in values.enumerated() {
            picture.text(Self.text(value), x: x(index), y: frame.top + frame.height + 16, size: 10, anchor: .middle)
        }
        picture.text(horizontal, x: frame.left + frame.width / 2, y: frame.top + frame.height + 36, anchor: .middle)
        for (number, line) in lines.enumerated() {
            let colour = Self.colours[number % Self.colours.count]
            picture.line(line.values.prefix(values.count).enumerated().map { (x($0), y($1)) }, stroke: colour, width: 2)
            picture.text(
                line.name, x: frame.left + frame.width + 10, y: y(line.values.last ?? 0) + 4, fill: colour)
        }
        return picture
    }

    /// The next of 1, 2 or 5 times a power of ten.
    static func roundedUp(_ value: Double) -> Double {
        var unit = 1.0
        while unit * 10 < value { unit *= 10 }
        while unit >= value && unit > 1e-9 { unit /= 10 }
        return [1, 2, 5, 10].map { $0 * unit }.first { $0 >= value } ?? value
    }

    private static func text(_ value: Double) -> String { SVGDocument.number(value) }
}

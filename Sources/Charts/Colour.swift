/// A colour as SVG and terminals take it.
package struct Colour: Sendable, Hashable {
    package let red: UInt8
    package let green: UInt8
    package let blue: UInt8

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    package static let ink = Colour(40, 40, 40)
    package static let paper = Colour(255, 255, 255)
    /// Where there is no value.
    package static let absent = Colour(225, 225, 225)

    package var text: String {
        "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Of the way from `self` to `other`; `share` is clamped to 0...1, NaN is 0.
    package func mixed(with other: Colour, share: Double) -> Colour {
        let share = share > 0 ? min(share, 1) : 0
        func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
            UInt8((Double(from) + (Double(to) - Double(from)) * share).rounded())
        }
        return Colour(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }

    /// Ink or paper, whichever reads better upon this colour (the sRGB luma of ITU-R BT.601).
    package var legible: Colour {
        0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue) > 140 ? .ink : .paper
    }
}

/// From values to colours.
package enum ColourScale: Sendable {
    /// From paper at 0 to a deep blue at `most`.
    case rising(most: Double)
    /// Paper at 0, blue towards -`most`, orange towards +`most`.
    case diverging(most: Double)

    package func colour(_ value: Double?) -> Colour {
        guard let value, value.isFinite else { return .absent }
        let blue = Colour(8, 64, 129)
        switch self {
        case .rising(let most): return Colour.paper.mixed(with: blue, share: most > 0 ? value / most : 0)
        case .diverging(let most):
            let end = value < 0 ? blue : Colour(196, 84, 11)
            return Colour.paper.mixed(with: end, share: most > 0 ? value.magnitude / most : 0)
        }
    }
}

/// Colours that tell things apart: the eight of Okabe and Ito (2008) without black, safe for colour-blind readers, then again.
package enum Palette {
    private static let colours = [
        Colour(0, 114, 178), Colour(230, 159, 0), Colour(0, 158, 115), Colour(204, 121, 167), Colour(86, 180, 233),
        Colour(213, 94, 0), Colour(240, 228, 66),
    ]

    package static func colour(_ index: Int) -> Colour {
        colours[((index % colours.count) + colours.count) % colours.count]
    }
}

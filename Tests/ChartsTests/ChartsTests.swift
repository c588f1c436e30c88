import Charts
import Foundation
import FoundationXML
import Testing

@Suite("Charts") struct ChartsTests {
    /// The picture as an XML parser sees it.
    private final class Reader: NSObject, XMLParserDelegate {
        var counts: [String: Int] = [:]
        var texts: [String] = []
        private var current = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            counts[name, default: 0] += 1
            current = ""
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) { current += text }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            if name == "text" { texts.append(current) }
        }

        static func read(_ text: String) throws -> Reader {
            let reader = Reader()
            let parser = XMLParser(data: Data(text.utf8))
            parser.delegate = reader
            try #require(parser.parse(), "\(String(describing: parser.parserError)): \(text)")
            return reader
        }
    }

    @Test("A heat map has a cell and a hint per value, and its texts arrive unharmed")
    func heatMap() throws {
        let map = HeatMap(
            title: "a < b & \"c\"", subtitle: "bell \u{7} and snow ☃", columns: ["one", "two"],
            rows: [("first", [0.25, -1.005]), ("second", [nil, 12])], scale: .diverging(most: 1), decimals: 2)
        let reader = try Reader.read(map.picture.text)
        #expect(reader.counts["rect"] == 1 + 4)
        #expect(reader.counts["title"] == 4)
        #expect(reader.texts.prefix(2) == ["a < b & \"c\"", "bell \u{FFFD} and snow ☃"])
        #expect(reader.texts.contains("0.25") && reader.texts.contains("first") && reader.texts.contains("two"))
    }

    @Test("Colours: ends, middle and what is no number")
    func colours() {
        let scale = ColourScale.rising(most: 2)
        #expect(scale.colour(0) == .paper)
        #expect(scale.colour(5) == scale.colour(2))
        #expect(scale.colour(nil) == .absent && scale.colour(.nan) == .absent)
        #expect(ColourScale.diverging(most: 1).colour(-1) == scale.colour(2))
        #expect(ColourScale.diverging(most: 0).colour(1) == .paper)
        #expect(scale.colour(2).text == "#084081")
        #expect(scale.colour(2).legible == .paper && Colour.paper.legible == .ink)
        #expect(Palette.colour(-1) == Palette.colour(6))
    }

    @Test("Numbers have two decimals at most, and never an exponent")
    func numbers() throws {
        var picture = SVGDocument(width: 10, height: 10)
        picture.rectangle(x: -0.05, y: 1.5, width: 1e9, height: 0.333, fill: .ink)
        picture.line([(0, 0), (.infinity, 2)], stroke: .ink)
        #expect(picture.text.contains(#"x="-0.05" y="1.5" width="1000000000" height="0.33""#))
        #expect(picture.text.contains(#"points="0,0 0,2""#))
        #expect(try Reader.read(picture.text).counts["polyline"] == 1)
    }

    @Test("A graph: a box per node, an arrow per edge, and no name is taken for markup")
    func graph() throws {
        let drawing = GraphDrawing(
            title: "g",
            nodes: [
                .init(lines: ["a \"]<b>", "<tok>"], column: 0, colour: 0), .init(lines: ["b#1"], column: 1, colour: 1),
            ], edges: [.init(from: 0, to: 1), .init(from: 1, to: 0, label: "if `down`", isDotted: true)])
        #expect(
            drawing.mermaid == """
                flowchart LR
                    n0["a #quot;]#lt;b#gt;<br/>#lt;tok#gt;"]
                    n1["b#35;1"]
                    n0 --> n1
                    n1 -.->|"if #96;down#96;"| n0

                """)
        let reader = try Reader.read(drawing.picture.text)
        // Ground, and two per node; a line and an arrowhead per edge.
        #expect(reader.counts["rect"] == 5 && reader.counts["polyline"] == 4)
        #expect(reader.texts == ["g", "if `down`", "a \"]<b>", "<tok>", "b#1"])
    }
}

/// A directed graph as a picture, and as text for Mermaid. The same input gives the same bytes.
package struct GraphDrawing: Sendable {
    package struct Node: Sendable {
        /// The first is the name.
        package var lines: [String]
        /// Columns from the left, counted from 0.
        package var column: Int
        /// Of `Palette`.
        package var colour: Int

        package init(lines: [String], column: Int, colour: Int) {
            self.lines = lines
            self.column = column
            self.colour = colour
        }
    }

    package struct Edge: Sendable {
        /// Positions in `nodes`.
        package var from: Int
        package var to: Int
        package var label: String
        package var isDotted: Bool

        package init(from: Int, to: Int, label: String = "", isDotted: Bool = false) {
            self.from = from
            self.to = to
            self.label = label
            self.isDotted = isDotted
        }
    }

    package var title: String
    package var nodes: [Node]
    package var edges: [Edge]

    package init(title: String, nodes: [Node], edges: [Edge]) {
        precondition(
            edges.allSatisfy { nodes.indices.contains($0.from) && nodes.indices.contains($0.to) },
            "an edge ends outside \(nodes.count) nodes")
        self.title = title
        self.nodes = nodes
        self.edges = edges
    }

    /// A flowchart from left to right. Names stand in labels alone, so that none can be taken for syntax.
    package var mermaid: String {
        let boxes = nodes.enumerated().map { index, node in
            #"    n\#(index)["\#(node.lines.map(Self.escaped).joined(separator: "<br/>"))"]"#
        }
        let arrows = edges.map { edge in
            let arrow = edge.isDotted ? "-.->" : "-->"
            let label = edge.label.isEmpty ? "" : #"|"\#(Self.escaped(edge.label))"|"#
            return "    n\(edge.from) \(arrow)\(label) n\(edge.to)"
        }
        return (["flowchart LR"] + boxes + arrows).joined(separator: "\n") + "\n"
    }

    /// Mermaid's entity codes for what is markup in a label.
    static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "\"": "#quot;"
            case "<": "#lt;"
            case ">": "#gt;"
            case "&": "#amp;"
            case "#": "#35;"
            case "`": "#96;"
            case "\n", "\r", "\r\n": " "
            default: String(character)
            }
        }.joined()
    }
}

// MARK: The picture

extension GraphDrawing {
    private struct Box {
        var x: Double
        var y: Double
        var width: Double
        var height: Double
    }

    private static let line = 14.0
    private static let gap = (column: 90.0, row: 14.0)

    package var picture: SVGDocument {
        let boxes = places
        let right = boxes.map { $0.x + $0.width }.max() ?? 0
        let bottom = boxes.map { $0.y + $0.height }.max() ?? 40
        var picture = SVGDocument(width: max(right + 60, 320), height: bottom + 40)
        picture.text(title, x: 16, y: 22, size: 15)
        for edge in edges { draw(edge, boxes, &picture) }
        for (node, box) in zip(nodes, boxes) { draw(node, box, &picture) }
        return picture
    }

    private var places: [Box] {
        var boxes = nodes.map { node in
            let width = 24 + 6.4 * Double(node.lines.map(\.count).max() ?? 0)
            return Box(x: 0, y: 0, width: width, height: 12 + Self.line * Double(node.lines.count))
        }
        var x = 16.0
        for column in Set(nodes.map(\.column)).sorted() {
            let members = nodes.indices.filter { nodes[$0].column == column }
            var y = 40.0
            for index in members {
                boxes[index].x = x
                boxes[index].y = y
                y += boxes[index].height + Self.gap.row
            }
            x += (members.map { boxes[$0].width }.max() ?? 0) + Self.gap.column
        }
        return boxes
    }

    private func draw(_ node: Node, _ box: Box, _ picture: inout SVGDocument) {
        let colour = Palette.colour(node.colour)
        picture.rectangle(x: box.x, y: box.y, width: box.width, height: box.height, fill: colour)
        picture.rectangle(
            x: box.x + 2, y: box.y + 2, width: box.width - 4, height: box.height - 4,
            fill: Colour.paper.mixed(with: colour, share: 0.15), hint: node.lines.joined(separator: "\n"))
        for (index, text) in node.lines.enumerated() {
            picture.text(
                text, x: box.x + 10, y: box.y + 3 + Self.line * Double(index + 1), size: index == 0 ? 12 : 10)
        }
    }

    /// To a column further right from side to side; otherwise around, below both.
    private func draw(_ edge: Edge, _ boxes: [Box], _ picture: inout SVGDocument) {
        let (from, to) = (boxes[edge.from], boxes[edge.to])
        let stroke = edge.isDotted ? Colour(150, 150, 150) : Colour(90, 90, 90)
        let start = (x: from.x + from.width, y: from.y + from.height / 2)
        let end = (x: to.x, y: to.y + to.height / 2)
        if start.x < end.x {
            picture.line([start, end], stroke: stroke)
            arrow(at: end, pointing: 1, stroke, &picture)
            if !edge.label.isEmpty {
                picture.text(
                    edge.label, x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 - 3, size: 9, anchor: .middle)
            }
        } else {
            let far = max(start.x, to.x + to.width) + 18 + 4 * Double(edge.to % 5)
            let into = (x: to.x + to.width, y: to.y + to.height * 0.75)
            picture.line([start, (far, start.y), (far, into.y), into], stroke: stroke)
            arrow(at: into, pointing: -1, stroke, &picture)
            if !edge.label.isEmpty { picture.text(edge.label, x: far + 3, y: (start.y + into.y) / 2, size: 9) }
        }
    }

    private func arrow(
        at tip: (x: Double, y: Double), pointing sign: Double, _ stroke: Colour, _ picture: inout SVGDocument
    ) {
        picture.line([(tip.x - 7 * sign, tip.y - 4), tip, (tip.x - 7 * sign, tip.y + 4)], stroke: stroke, width: 1.5)
    }
}

/// Collects what is wrong while a topology is read, so that one run shows every mistake. Bounded: past `countMax`
/// the list says so and takes no more.
final class IssueList {
    static let countMax = 100

    let path: String
    private(set) var issues: [TopologyError.Issue] = []

    init(path: String) {
        self.path = path
    }

    func add(line: Int?, key: String, _ message: String) {
        guard issues.count < Self.countMax else { return }
        if issues.count == Self.countMax - 1 {
            issues.append(.init(path: path, line: nil, key: "", message: "more errors follow; mend these first"))
        } else {
            issues.append(.init(path: path, line: line, key: key, message: message))
        }
    }

    func throwIfAny() throws(TopologyError) {
        guard !issues.isEmpty else { return }
        // A stable sort: issues of one line stay in the order in which they were found.
        let sorted = issues.enumerated().sorted {
            ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset)
        }
        throw TopologyError(issues: sorted.map(\.element))
    }
}

/// Reads one YAML document into nodes that know their line and column.
///
/// It takes the part of YAML that configuration needs and refuses the rest: aliases and anchors (which let a small file
/// expand without bound), tags, merge keys, repeated keys, keys that are not text, and a second document.
struct YAMLReader: ~Copyable {
    /// What a document may cost at most.
    struct Limits: Sendable {
        /// Default 64 MiB: 100,000 tenants take about 20.
        var bytes = 64 << 20
        /// How many collections may lie inside each other. Default 16.
        var depth = 16
        /// Scalars, keys and collections together. Default 5 million: 100,000 tenants take about 2.
        var nodes = 5_000_000

        init() {}
    }

    private let events: YAMLEventParser
    private let limits: Limits
    private var nodeCount = 0
    private var problems: [YAMLError.Problem] = []

    private init(_ events: consuming YAMLEventParser, limits: Limits) {
        self.events = events
        self.limits = limits
    }

    /// Reads a document in UTF-8, with or without a byte-order mark.
    static func read(_ bytes: [UInt8], limits: Limits = Limits()) throws(YAMLError) -> YAMLNode {
        let start = YAMLNode.Place(line: 1, column: 1)
        guard bytes.count <= limits.bytes else {
            throw YAMLError(problems: [.init("more than \(limits.bytes) bytes", at: start)], root: nil)
        }
        // libyaml would count the byte-order mark as a column, and find the first line indented.
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        guard !text.isEmpty else { throw YAMLError(problems: [.init("the file is empty", at: start)], root: nil) }
        return try text.withUnsafeBufferPointer { (buffer) throws(YAMLError) in
            var reader = YAMLReader(YAMLEventParser(buffer), limits: limits)
            let root: YAMLNode
            do throws(YAMLError.Problem) {
                root = try reader.document()
            } catch {
                throw YAMLError(problems: reader.problems + [error], root: nil)
            }
            guard reader.problems.isEmpty else { throw YAMLError(problems: reader.problems, root: root) }
            return root
        }
    }

    private mutating func document() throws(YAMLError.Problem) -> YAMLNode {
        _ = try events.next()  // the stream's start
        let start = try events.next()
        guard start.kind == .documentStart else { throw .init("the file is empty", at: start.place) }
        let root = try node(try events.next(), depth: 0)
        _ = try events.next()  // the document's end
        let end = try events.next()
        guard end.kind == .streamEnd else { throw .init("a second document begins here", at: end.place) }
        return root
    }

    /// The node that begins with `event`, inside `depth` collections.
    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError.Problem) -> YAMLNode {
        try check(event)
        switch event.kind {
        case .scalar(let text, let isPlain): return YAMLNode(.scalar(text, isPlain: isPlain), at: event.place)
        case .sequenceStart, .mappingStart: break
        case .alias: throw .init("an alias (*); write the value out", at: event.place)
        default: throw .init("a value is missing", at: event.place)
        }
        guard depth < limits.depth else {
            throw .init("more than \(limits.depth) collections inside each other", at: event.place)
        }
        let value = event.kind == .sequenceStart ? try sequence(depth: depth + 1) : try mapping(depth: depth + 1)
        return YAMLNode(value, at: event.place)
    }

    private mutating func sequence(depth: Int) throws(YAMLError.Problem) -> YAMLNode.Value {
        var items: [YAMLNode] = []
        while true {
            let event = try events.next()
            if event.kind == .collectionEnd { return .sequence(items) }
            items.append(try node(event, depth: depth))
        }
    }

    private mutating func mapping(depth: Int) throws(YAMLError.Problem) -> YAMLNode.Value {
        var entries: [YAMLNode.Entry] = []
        var keys = Keys()
        while true {
            let event = try events.next()
            if event.kind == .collectionEnd { return .mapping(entries) }
            let key = try key(event)
            let value = try node(try events.next(), depth: depth)
            if event.kind == .scalar("<<", isPlain: true) {
                problems.append(.init("a merge key (<<); write the keys out", at: event.place))
            } else if keys.isNew(key, beside: entries) {
                entries.append(.init(key: key, place: event.place, value: value))
            } else {
                // What is no word may be `secret=value` with its colon forgotten.
                problems.append(.init("duplicate key" + (Printable.isWord(key) ? " \"\(key)\"" : ""), at: event.place))
            }
        }
    }

    /// The keys of a mapping, told apart without a set while they are few, as in nearly all of a file's mappings.
    private struct Keys {
        private var all: Set<String> = []

        mutating func isNew(_ key: String, beside entries: [YAMLNode.Entry]) -> Bool {
            guard entries.count >= 16 else { return !entries.contains { $0.key == key } }
            if all.isEmpty { all = Set(entries.map(\.key)) }
            return all.insert(key).inserted
        }
    }

    private mutating func key(_ event: YAMLEvent) throws(YAMLError.Problem) -> String {
        try check(event)
        guard case .scalar(let text, _) = event.kind else { throw .init("a key that is not text", at: event.place) }
        return text
    }

    /// Counts a node, and notes what it must not have.
    private mutating func check(_ event: YAMLEvent) throws(YAMLError.Problem) {
        nodeCount += 1
        guard nodeCount <= limits.nodes else { throw .init("more than \(limits.nodes) values", at: event.place) }
        if event.hasAnchor {
            problems.append(.init("an anchor (&); write the value out where it is used", at: event.place))
        }
        if event.hasTag { problems.append(.init("a tag (!); leave it out", at: event.place)) }
    }
}

/// Why a YAML document was refused.
struct YAMLError: Error, Equatable, CustomStringConvertible {
    /// One thing that is wrong, where it is wrong.
    struct Problem: Error, Equatable, CustomStringConvertible {
        let place: YAMLNode.Place
        /// A sentence without its full stop. It quotes keys of the document, never values.
        let text: String

        init(_ text: String, at place: YAMLNode.Place) {
            self.text = text
            self.place = place
        }

        var description: String { "\(place.line):\(place.column): \(text)" }
    }

    /// In the document's order; at least one.
    let problems: [Problem]
    /// The document without what was wrong in it, so that more mistakes can be looked for; nil when reading had to stop.
    let root: YAMLNode?

    var description: String { problems.map(\.description).joined(separator: "\n") }
}

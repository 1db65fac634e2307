/// One value of a YAML document, with the place where it begins.
struct YAMLNode: Sendable, Equatable {
    /// A place in a file; both count from 1, the column in characters.
    struct Place: Sendable, Hashable {
        // Half the width of Int: a file of 100,000 tenants has two million places.
        let line: Int32
        let column: Int32

        init(line: Int32, column: Int32) {
            self.line = line
            self.column = column
        }
    }

    /// A key of a mapping with its value.
    struct Entry: Sendable, Equatable {
        let key: String
        let place: Place
        let value: YAMLNode

        init(key: String, place: Place, value: YAMLNode) {
            self.key = key
            self.place = place
            self.value = value
        }
    }

    /// A scalar or a collection.
    enum Value: Sendable, Equatable {
        /// Text as written; only a plain (unquoted) one may stand for a number, a boolean or nothing.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the file's order; no key twice.
        case mapping([Entry])
    }

    let value: Value
    let place: Place

    init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }
}

extension YAMLNode {
    /// The value of that key; nil when this is no mapping or has no such key.
    subscript(key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

    /// The scalar's text; nil for a collection.
    var text: String? {
        guard case .scalar(let text, _) = value else { return nil }
        return text
    }

    /// The sequence's items; nil for anything else.
    var items: [YAMLNode]? {
        guard case .sequence(let items) = value else { return nil }
        return items
    }

    /// The mapping's entries; nil for anything else.
    var entries: [Entry]? {
        guard case .mapping(let entries) = value else { return nil }
        return entries
    }

    /// Whether nothing is there, or the unquoted `~` or `null` that YAML has for it.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = value else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }
}

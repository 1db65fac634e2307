/// A mapping with fixed keys while it is being decoded: it remembers which keys were asked for.
struct ConfigurationSection {
    private let cursor: ConfigurationCursor
    private let entries: [YAMLNode.Entry]
    private var isAsked: [Bool]
    private var known: [String] = []

    init(_ cursor: ConfigurationCursor, _ entries: [YAMLNode.Entry]) {
        self.cursor = cursor
        self.entries = entries
        isAsked = Array(repeating: false, count: entries.count)
    }

    /// The value of that key, which from now on is a known one; nil when it is absent.
    subscript(key: String) -> ConfigurationCursor? {
        mutating get {
            known.append(key)
            guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
            isAsked[index] = true
            return cursor.child(entries[index])
        }
    }

    /// The value of that key, whose absence is a mistake.
    mutating func required(_ key: String, hint: String? = nil) -> ConfigurationCursor? {
        let value = self[key]
        if value == nil { cursor.noteMissing(key, hint: hint) }
        return value
    }

    /// Whether one of these keys is there.
    func hasAny(of keys: String...) -> Bool { entries.contains { keys.contains($0.key) } }

    /// Notes a mistake for each of these keys that is there: what they would say is settled already.
    mutating func exclude(_ keys: String..., because reason: String) {
        for key in keys {
            let value = self[key]
            known.removeLast()
            value?.note("does not belong here", hint: reason)
        }
    }

    /// Takes the other keys as they are, where nobody can say which would be right.
    mutating func ignoreUnknownKeys() { isAsked = Array(repeating: true, count: entries.count) }

    func refuseUnknownKeys() {
        for (entry, isAsked) in zip(entries, isAsked) where !isAsked {
            cursor.child(entry).note("is not a known key", hint: hint(for: entry.key))
        }
    }

    private func hint(for key: String) -> String {
        if !Printable.isWord(key) { return "write key: value, with a space after the colon" }
        if let closest = Suggestion.closest(to: key, in: known) { return "did you mean \(closest)?" }
        return "use one of \(known.joined(separator: ", "))"
    }
}

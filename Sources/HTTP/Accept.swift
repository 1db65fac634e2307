/// What a client says of media types: its `Accept` fields (RFC 9110 §12.5.1).
///
/// Where the RFC leaves the choice: a client that says nothing, or something malformed, takes anything. A range's parameter
/// that a media type does not have is not looked at, as clients have some of their own. Of two weights for ranges that are
/// as specific the smaller counts.
package struct Accept: Sendable {
    /// What a client thinks of one media type.
    package struct Preference: Equatable, Sendable {
        /// In thousandths; 0 for what it does not take.
        package let weight: Int
        /// Whether the client called it by its name, and not only by `*`.
        package let isNamed: Bool
    }

    private struct Range {
        let type: String
        let subtype: String
        var parameters: [(name: String, value: String)] = []
        var weight = 1000
    }

    /// None when the client takes anything.
    private let ranges: [Range]

    /// Reads a request's fields; several lines are one list (RFC 9110 §5.3).
    package init(_ fields: Fields) {
        var ranges: [Range] = []
        for line in fields.lines where fields.isNamed(line, "accept") {
            var scanner = Scanner(rest: fields.bytes[line.value])
            guard let more = scanner.ranges() else {
                ranges = []
                break
            }
            ranges += more
        }
        self.ranges = ranges
    }

    package func preference(for type: MediaType) -> Preference {
        guard !ranges.isEmpty else { return Preference(weight: 1000, isNamed: false) }
        var best = (specificity: -1, weight: 0)
        for range in ranges {
            guard let specificity = Self.specificity(of: range, for: type), specificity >= best.specificity else {
                continue
            }
            let weight = specificity == best.specificity ? min(best.weight, range.weight) : range.weight
            best = (specificity, weight)
        }
        return Preference(weight: best.weight, isNamed: best.specificity >= 2)
    }

    /// How exactly a range says a media type: 0 for any, 1 for any of its kind, 2 for its name, one more for each of its
    /// parameters; nil when it is about others.
    private static func specificity(of range: Range, for type: MediaType) -> Int? {
        if range.type == "*" { return 0 }
        guard range.type == type.type else { return nil }
        if range.subtype == "*" { return 1 }
        guard range.subtype == type.subtype else { return nil }
        var specificity = 2
        for parameter in range.parameters {
            guard let own = type.parameters.first(where: { $0.name == parameter.name }) else { continue }
            guard own.value.lowercased() == parameter.value.lowercased() else { return nil }
            specificity += 1
        }
        return specificity
    }

    /// Reads one field's value from its start to its end.
    private struct Scanner {
        var rest: ArraySlice<UInt8>

        /// `#( media-range [ weight ] )`; nil when it is malformed.
        mutating func ranges() -> [Range]? {
            var ranges: [Range] = []
            while true {
                skipBlanks()
                if rest.isEmpty { return ranges }
                if take(",") { continue }
                guard let range = range() else { return nil }
                ranges.append(range)
                guard rest.isEmpty || take(",") else { return nil }
            }
        }

        private mutating func range() -> Range? {
            guard let type = token(), take("/"), let subtype = token() else { return nil }
            guard type != "*" || subtype == "*" else { return nil }
            var range = Range(type: type.lowercased(), subtype: subtype.lowercased())
            var isWeighted = false
            skipBlanks()
            while take(";") {
                skipBlanks()
                // RFC 9110 §5.6.6 allows nothing between two of them.
                guard let name = token()?.lowercased() else { continue }
                let start = rest
                guard take("="), let value = value() else { return nil }
                if name == "q", !isWeighted {
                    let text = start.dropFirst().prefix(start.count - 1 - rest.count)
                    guard let weight = Weight.thousandths(text) else { return nil }
                    range.weight = weight
                    isWeighted = true
                } else if !isWeighted {
                    range.parameters.append((name, value))
                }
                skipBlanks()
            }
            return range
        }

        /// A token or a quoted string, without its quotes.
        private mutating func value() -> String? {
            guard take("\"") else { return token() }
            var text: [UInt8] = []
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let next = rest.popFirst() else { return nil }
                    text.append(next)
                default: text.append(byte)
                }
            }
            return nil
        }

        private mutating func token() -> String? {
            let token = rest.prefix(while: Grammar.isToken)
            rest = rest.dropFirst(token.count)
            return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        private mutating func skipBlanks() { rest = rest.drop(while: Grammar.isBlank) }
    }
}

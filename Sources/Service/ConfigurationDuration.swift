/// Durations as the configuration writes them: a whole number and its unit, `500ms`, `5s`, `2m`, `1h`.
extension Duration {
    /// Largest first, so that a duration is printed in the unit that it is a whole number of.
    private static var units: [(name: String, milliseconds: Int64)] {
        [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    }

    /// nil for anything else, and for a number of more than nine digits.
    init?(configuration text: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let unit = text[digits.endIndex...]
        guard digits.utf8.count <= 9, let number = Int64(digits),
            let milliseconds = Self.units.first(where: { $0.name == unit })?.milliseconds
        else { return nil }
        self = .milliseconds(number * milliseconds)
    }

    /// What reads as this duration again; anything shorter than a millisecond is dropped.
    var configurationText: String {
        let total = Int64(self / .milliseconds(1))
        let unit = Self.units.first { total >= $0.milliseconds && total % $0.milliseconds == 0 } ?? ("ms", 1)
        return "\(total / unit.milliseconds)\(unit.name)"
    }
}

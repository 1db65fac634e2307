/// Finds what somebody probably meant to write.
enum Suggestion {
    /// The candidate nearest to `text`: at most two letters added, dropped or changed, and no more than a third of it.
    /// Of equally near ones the first; nil when none is near.
    static func closest(to text: String, in candidates: some Sequence<String>) -> String? {
        let word = Array(text.utf8.prefix(64))
        var limit = min(2, word.count / 3)
        var closest: String?
        for candidate in candidates {
            guard let distance = distance(word, Array(candidate.utf8), atMost: limit) else { continue }
            closest = candidate
            if distance == 0 { break }
            limit = distance - 1
        }
        return closest
    }

    /// The Levenshtein distance, or nil when it exceeds `limit`.
    private static func distance(_ a: [UInt8], _ b: [UInt8], atMost limit: Int) -> Int? {
        guard limit >= 0, abs(a.count - b.count) <= limit else { return nil }
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let changed = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, min(row[j], diagonal) + 1)
            }
            // The distance only grows from row to row, so most of 100,000 candidates are out after a few letters.
            guard let least = row.min(), least <= limit else { return nil }
        }
        return row[b.count] <= limit ? row[b.count] : nil
    }
}

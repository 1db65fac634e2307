/// Who was handed a key's current token: an entry for each caller, of which there are a hundred at most.
///
/// Noted under the tenant's lock at every hand-out, so it costs no allocation once a caller is in it.
struct HandOutLedger {
    /// One caller, and when it last got the token.
    struct Entry {
        let caller: CallerIdentity
        var last: Instant
    }

    static let maximumEntries = 100

    private(set) var entries: [Entry] = []

    /// Notes that a caller got the token; beyond the maximum, whoever got it longest ago is forgotten.
    mutating func note(_ caller: CallerIdentity, at now: Instant) {
        for index in entries.indices where entries[index].caller === caller {
            entries[index].last = now
            return
        }
        if entries.count < Self.maximumEntries {
            entries.append(Entry(caller: caller, last: now))
        } else if let oldest = entries.indices.min(by: { entries[$0].last < entries[$1].last }) {
            entries[oldest] = Entry(caller: caller, last: now)
        }
    }

    /// Begins anew, for another token.
    mutating func clear() { entries.removeAll(keepingCapacity: true) }
}

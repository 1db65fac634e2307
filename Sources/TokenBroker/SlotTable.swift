/// A tenant's slots by key.
///
/// Nearly always there is the default key's alone. It lies here itself, as a dictionary for it would take half a kilobyte
/// of every tenant.
struct SlotTable {
    let defaultKey: TokenKey
    private var defaultSlot: Slot?
    private var others: [TokenKey: Slot] = [:]

    init(defaultKey: TokenKey) { self.defaultKey = defaultKey }

    subscript(key: TokenKey) -> Slot? {
        get { key == defaultKey ? defaultSlot : others[key] }
        _modify { if key == defaultKey { yield &defaultSlot } else { yield &others[key] } }
    }

    subscript(key: TokenKey, default other: @autoclosure () -> Slot) -> Slot {
        get { self[key] ?? other() }
        set { self[key] = newValue }
    }

    var count: Int { others.count + (defaultSlot == nil ? 0 : 1) }

    /// All of them, the default key's first.
    var all: [(key: TokenKey, slot: Slot)] {
        (defaultSlot.map { [(defaultKey, $0)] } ?? []) + others.map { ($0.key, $0.value) }
    }

    /// Shows each but the default key's, without a copy of all.
    func forEachOther(_ body: (Slot) -> Void) {
        for slot in others.values { body(slot) }
    }

    /// The keys of those that satisfy a condition, to be changed one by one.
    func keys(where isWanted: (Slot) -> Bool) -> [TokenKey] { all.filter { isWanted($0.slot) }.map(\.key) }
}

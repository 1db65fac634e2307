/// A dictionary that forgets what was not used for longest, roughly: it keeps the last half of its capacity for certain, and
/// at most all of it.
///
/// Two dictionaries: when the younger one is full it takes the place of the older one, whose values are forgotten. So each
/// use takes constant time, whoever fills it.
struct RecentTable<Key: Hashable, Value> {
    private let half: Int
    private var younger: [Key: Value] = [:]
    private var older: [Key: Value] = [:]

    /// - Parameter capacity: At least 2.
    init(capacity: Int) { half = capacity / 2 }

    var count: Int { younger.count + older.count }

    subscript(key: Key) -> Value? {
        mutating get {
            if let value = younger[key] { return value }
            guard let value = older.removeValue(forKey: key) else { return nil }
            insert(value, for: key)
            return value
        }
        set {
            older[key] = nil
            if let newValue { insert(newValue, for: key) } else { younger[key] = nil }
        }
    }

    private mutating func insert(_ value: Value, for key: Key) {
        if younger.count >= half, younger[key] == nil { (older, younger) = (younger, [:]) }
        younger[key] = value
    }
}

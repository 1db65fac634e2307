/// The name of a representation in `ETag` and `If-None-Match`.
enum EntityTag {
    /// Whether `If-None-Match` names it. Weak and strong tags compare alike there (RFC 9110 §13.1.2).
    ///
    /// - Parameters:
    ///   - field: The field's value.
    ///   - tag: Quoted, without `W/`.
    static func matches(_ field: String, _ tag: String) -> Bool {
        field.split(separator: ",").contains { item in
            var item = item.drop { $0 == " " || $0 == "\t" }
            if item.hasPrefix("W/") { item = item.dropFirst(2) }
            while item.last == " " || item.last == "\t" { item.removeLast() }
            return item == tag || item == "*"
        }
    }
}

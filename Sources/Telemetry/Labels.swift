/// A time series' labels in the text format's own form, rendered once: `tenant="acme",outcome="ok"`.
package struct Labels: Hashable, Sendable {
    let text: String

    /// - Parameter pairs: In the order in which they are written. Values may hold anything: they are escaped.
    package init(_ pairs: [(name: String, value: String)] = []) {
        text = pairs.map { name, value in
            precondition(Labels.isName(name), "not a label name: \(name)")
            return "\(name)=\"\(Labels.escaped(value))\""
        }.joined(separator: ",")
    }

    /// These labels, and then the others.
    package func followed(by others: Labels) -> Labels { Labels(text: text + "," + others.text) }

    private init(text: String) { self.text = text }

    /// A label value's escapes: backslash, double quote and line feed.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { $0 == 0x5F || isAlphanumeric($0) }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
    }
}

/// Text from outside, made safe to print on one line: bounded, ASCII, nothing that moves a terminal's cursor.
package enum Printable {
    private static let maximumLength = 80

    /// The text with everything but printable ASCII escaped, cut off after 80 characters.
    package static func plain(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            guard shown.utf8.count < maximumLength else { return shown + "..." }
            shown += (0x20...0x7E).contains(scalar.value) ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return shown
    }

    /// Whether it is 1 to 64 ASCII letters, digits, `.`, `_` and `-`, and so shows as it is.
    static func isWord(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                // Spelled out, because every request's id is held against it.
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// What ``plain(_:)`` answers, between double quotes.
    package static func quoted(_ text: String) -> String { "\"\(plain(text))\"" }
}

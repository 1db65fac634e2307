import FoundationEssentials

/// Base64 in the alphabet that URLs and file names take, without padding (RFC 4648 §5).
package enum Base64URL {
    /// The text that stands for `bytes`.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let encoded = Data(bytes).base64EncodedString().utf8.compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// The bytes that `text` stands for; nil for any other text than ``encode(_:)`` gives for them.
    package static func decode(_ text: String) -> [UInt8]? {
        let standard = text.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - standard.count % 4) % 4)
        // Written again and compared: of the spellings that Data reads as the same bytes, one is taken.
        guard let bytes = Data(base64Encoded: Data(standard + padding)), encode(bytes) == text else { return nil }
        return Array(bytes)
    }
}

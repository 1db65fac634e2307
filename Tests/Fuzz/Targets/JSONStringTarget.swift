import FoundationEssentials

@testable import HTTP

extension FuzzTarget {
    /// Text as we write it in JSON, which Foundation reads back.
    static let jsonString = FuzzTarget(name: "json-string") { input in
        guard let text = String(validating: input, as: UTF8.self) else { return }
        var json: [UInt8] = []
        json.append(json: text)
        let decoded = try JSONDecoder().decode(String.self, from: Data(json))
        try require(Array(decoded.utf8) == input, "the same text")
    }
}

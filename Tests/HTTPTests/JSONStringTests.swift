import HTTP
import Testing

struct JSONStringTests {
    private func json(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.append(json: text)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("\"", ##""\u0022""##), ("\\", ##""\u005c""##), ("\n", ##""\u000a""##),
        ("\u{1F}", ##""\u001f""##), ("\u{7F}é🙂", "\"\u{7F}é🙂\""),
    ])
    func `a string is quoted, and escaped where it must be`(_ text: String, _ expected: String) {
        #expect(json(text) == expected)
    }

    @Test func `what must be escaped is found wherever it stands`() {
        for count in 1...100 {
            for position in 0..<count {
                let before = String(repeating: "a", count: position)
                let after = String(repeating: "b", count: count - position - 1)
                #expect(json(before + "\"" + after) == "\"\(before)\\u0022\(after)\"")
            }
        }
    }
}

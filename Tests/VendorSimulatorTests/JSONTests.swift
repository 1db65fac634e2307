import Testing

@testable import VendorSimulator

struct JSONTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var json: JSON
        var text: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "null", json: nil, text: "null"),
        Case(name: "integer", json: -7, text: "-7"),
        Case(name: "number", json: .number(1.5), text: "1.5"),
        Case(name: "no number", json: .number(.nan), text: "null"),
        Case(name: "empty array", json: [], text: "[]"),
        Case(name: "empty object", json: [:], text: "{}"),
        Case(name: "nested", json: ["z": [1, nil], "a": ["b": "c"]], text: #"{"z":[1,null],"a":{"b":"c"}}"#),
        Case(name: "quotes and backslashes", json: #"a"b\c"#, text: ##""a\u0022b\u005cc""##),
        Case(name: "control characters", json: "\u{0}\n\u{1F}", text: #""\u0000\u000a\u001f""#),
        Case(name: "beyond ASCII", json: "é→", text: "\"é→\""),
        Case(name: "quoted member", json: ["a\"": 1], text: ##"{"a\u0022":1}"##),
    ])
    func `a value is written in the order it was given`(_ example: Case) {
        #expect(String(decoding: example.json.bytes, as: UTF8.self) == example.text)
    }
}

import Testing

@testable import Service

struct JSONDocumentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var expected: JSONDocument
        var testDescription: String { text }

        init(_ text: String, _ expected: JSONDocument) {
            self.text = text
            self.expected = expected
        }
    }

    @Test(arguments: [
        Case("null", .null), Case(" true\n", .boolean(true)), Case("\tfalse\r", .boolean(false)),
        Case("0", .number("0")), Case("-0.10e+3", .number("-0.10e+3")), Case("12E-1", .number("12E-1")),
        Case(#""""#, .string("")), Case(#""é€😀""#, .string("é€😀")),
        Case(#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
        Case(#""\u0000\u00e9\u20AC\ud83D\uDE00""#, .string("\0é€😀")),
        Case("[]", .array([])), Case("[ 1 , [ ] ]", .array([.number("1"), .array([])])),
        Case("{}", .object([:])), Case(#"{ "" : null , "a" : {} }"#, .object(["": .null, "a": .object([:])])),
        Case("\u{FEFF}1", .number("1")),
    ])
    func `every kind of value`(sample: Case) {
        #expect(JSONDocument(parsing: Array(sample.text.utf8)) == sample.expected)
    }

    @Test(arguments: [
        "", " ", "nul", "nulL", "truefalse", "1 2", "{}x", "\u{FEFF}", "\u{FEFF}\u{FEFF}1", "//", "'a'", "NaN",
        "Infinity",
        "01", "-", "+1", ".1", "1.", "1e", "1e+", "0x1", "1_0", "١",
        #"""#, #""a"#, #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\u+123""#, #""\ud800""#, #""\udc00""#,
        #""\ud800\u0041""#, #""\ud800x""#, "\"\n\"", "\"\0\"", "\"\u{1F}\"",
        "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]", "{", "{1:2}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a" 1}"#,
        #"{"a":1 "b":2}"#, "{,}", "\u{A0}1",
    ])
    func `anything else is refused`(text: String) { #expect(JSONDocument(parsing: Array(text.utf8)) == nil) }

    @Test(arguments: [
        #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":null}"#, #"{"a":1,"\u0061":2}"#, #"[{"x":{"a":1,"a":2}}]"#,
    ])
    func `a name that repeats within an object is refused, however it is spelt`(text: String) {
        #expect(JSONDocument(parsing: Array(text.utf8)) == nil)
    }

    @Test func `a name may be in two objects`() {
        #expect(JSONDocument(parsing: Array(#"{"a":{"a":1},"b":{"a":1}}"#.utf8)) != nil)
    }

    @Test(arguments: [(32, true), (33, false), (30_000, false)])
    func `values nest so deep and no deeper`(depth: Int, isTaken: Bool) {
        let arrays = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect((JSONDocument(parsing: Array(arrays.utf8)) != nil) == isTaken)
        let objects =
            String(repeating: #"{"a":"#, count: depth - 1) + "0" + String(repeating: "}", count: depth - 1)
        #expect((JSONDocument(parsing: Array(objects.utf8)) != nil) == isTaken)
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF, 0xFE, 0x31, 0x00],
        [0x31, 0x00], [0x00, 0x31], [0xEF, 0xBB, 0x31],
    ])
    func `what is not UTF-8 is refused`(bytes: [UInt8]) { #expect(JSONDocument(parsing: bytes) == nil) }

    @Test func `no prefix of a document is one`() {
        let bytes = Array(#"{"a":[1.5e3,"\ud83d\ude00é",true,null],"b":{}}"#.utf8)
        #expect(JSONDocument(parsing: bytes) != nil)
        for count in bytes.indices { #expect(JSONDocument(parsing: Array(bytes.prefix(count))) == nil) }
    }

    @Test func `a member is at the end of its path`() {
        let document = JSONDocument(parsing: Array(#"{"a":{"b":{"c":1},"a.b":2},"d":[3]}"#.utf8))
        #expect(document?.member(at: "a.b.c") == .number("1"))
        #expect(document?.member(at: "d") == .array([.number("3")]))
        for path in ["b", "a.c", "a.b.c.d", "d.0", "a.a.b", "A"] { #expect(document?.member(at: path) == nil) }
    }
}

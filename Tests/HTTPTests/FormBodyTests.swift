import Testing

@testable import HTTP

struct FormBodyTests {
    @Test(arguments: [
        ("", []), ("a=b", [("a", "b")]), ("a=b&c=d", [("a", "b"), ("c", "d")]), ("a", [("a", "")]), ("a=", [("a", "")]),
        ("=b", [("", "b")]), ("=", [("", "")]), ("a=b=c", [("a", "b=c")]), ("&&a=b&&", [("a", "b")]),
        ("a=b&a=c", [("a", "b"), ("a", "c")]), ("a+b=c+d", [("a b", "c d")]), ("a%3Db=%26%2b", [("a=b", "&+")]),
        ("%C3%A9=%e2%82%ac", [("é", "€")]), ("a=é", [("a", "é")]),
    ])
    func `is read`(text: String, pairs: [(String, String)]) throws {
        #expect(try FormBody(parsing: text.utf8).pairs == pairs.map { FormBody.Pair($0, $1) })
    }

    @Test(arguments: [
        ("a=%", FormBody.Malformed.percentEncoding), ("a=%4", .percentEncoding), ("a=%4&b=1", .percentEncoding),
        ("a=%zz", .percentEncoding), ("%=a", .percentEncoding), ("a=%00", .text), ("%00=a", .text), ("a=%FF", .text),
        ("a=%C3", .text), ("a=%ED%A0%80", .text),
    ])
    func `is refused`(text: String, error: FormBody.Malformed) {
        #expect(throws: error) { _ = try FormBody(parsing: text.utf8) }
    }

    @Test func `the number of pairs is bounded`() throws {
        #expect(try FormBody(parsing: "a&b&c".utf8, maximumPairs: 3).pairs.count == 3)
        #expect(throws: FormBody.Malformed.tooManyPairs) { _ = try FormBody(parsing: "a&b&c&%".utf8, maximumPairs: 3) }
    }

    @Test func `a repeat is visible`() throws {
        #expect(try FormBody(parsing: "a=1&b=2&a=3".utf8).pairs.map(\.name) == ["a", "b", "a"])
    }

    @Test func `everything but the unreserved is escaped`() {
        let form = FormBody([.init("a b", "c&d=e+f%"), .init("é", "x*-._~\r\n\0")])
        #expect(String(decoding: form.encoded, as: UTF8.self) == "a+b=c%26d%3De%2Bf%25&%C3%A9=x*-._%7E%0D%0A%00")
    }

    @Test func `what is written is read back`() throws {
        let form = FormBody((1...0x2FF).compactMap(Unicode.Scalar.init).map { .init("n\($0)", "\($0)v") })
        #expect(try FormBody(parsing: form.encoded, maximumPairs: 1000) == form)
    }
}

import Testing

@testable import HTTP

struct FieldsTests {
    @Test func `a name that an operator chose is taken if it is one`() {
        var fields = Fields()
        fields.append(named: "X-Api-Key", "a\r\nB: c")
        for name in ["", "a b", "a:", "a\r\nb", "é", "(a)"] {
            #expect(!Fields.isName(name))
            fields.append(named: name, "x")
        }
        #expect(String(decoding: fields.bytes, as: UTF8.self) == "X-Api-Key: a  B: c\r\n")
        #expect(fields.all.map(\.name) == ["X-Api-Key"] && fields["x-api-key"] == "a  B: c")
    }

    @Test func `names have no case, and order is kept`() {
        var fields = Fields()
        fields.append("Cache-Control", "no-store")
        fields.append("ETag", "1")
        fields.append("cache-control", "private")
        fields.append("Age", 120)
        #expect(fields["CACHE-control"] == "no-store")
        #expect(fields.count(of: "Cache-Control") == 2)
        #expect(fields["Cache-Contro"] == nil)
        #expect(fields.bytes(of: "etag").map(Array.init) == [UInt8(ascii: "1")])
        #expect(fields.all.map(\.name) == ["Cache-Control", "ETag", "cache-control", "Age"])
        #expect(
            String(decoding: fields.bytes, as: UTF8.self)
                == "Cache-Control: no-store\r\nETag: 1\r\ncache-control: private\r\nAge: 120\r\n")
    }

    @Test func `what is trimmed says the same and has no room to spare`() {
        var fields = Fields()
        fields.append("ETag", "1")
        fields.append("Age", 120)
        let trimmed = fields.trimmed
        #expect(trimmed.bytes == fields.bytes && trimmed["age"] == "120" && trimmed.count == 2)
        #expect(trimmed.bytes.capacity < 64 && trimmed.lines.capacity < 4)
        #expect(fields.bytes.capacity >= 256)
    }

    /// `@` and `` ` `` differ by the same bit as `A` and `a`.
    @Test func `only letters have cases`() {
        var fields = Fields()
        fields.append("A`", "1")
        #expect(fields["a`"] == "1")
        #expect(fields["a@"] == nil)
    }

    @Test(arguments: [
        "a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "a\u{1B}b", "a\u{7F}b", "\r\n\r\nHTTP/1.1 200 OK", "é\r\n",
    ])
    func `a value can't start another line`(value: String) {
        var fields = Fields()
        fields.append("A", value)
        fields.append("B") { $0.append(contentsOf: value.utf8) }
        let written = fields.bytes
        #expect(written.count(where: { $0 == 0x0D }) == 2 && written.count(where: { $0 == 0x0A }) == 2)
        #expect(written.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0D || $0 == 0x0A })

        var reader = MessageReader.request()
        reader.feed(Array("GET / HTTP/1.0\r\n".utf8) + written + Array("\r\n".utf8))
        #expect(reader.outcome.messages.count == 1 && reader.outcome.refusal == nil && !reader.outcome.isUnfinished)
        #expect(fields.count == 2)
    }

    @Test(arguments: [0, 9, 10, -1, Int.max, Int.min])
    func `numbers are written in decimal`(number: Int) {
        var fields = Fields()
        fields.append("A", number)
        #expect(fields["a"] == "\(number)")
    }

    @Test(arguments: [0, 7, 9, 10, 42, 99, 100, 12_345, Int.max, -1, Int.min])
    func `a number has all its digits`(_ number: Int) {
        var bytes: [UInt8] = []
        bytes.append(decimal: number)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
    }
}

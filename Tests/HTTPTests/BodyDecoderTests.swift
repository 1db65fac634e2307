import Testing

@testable import HTTP

struct BodyDecoderTests {
    @Test func `a length is taken to the byte, at every split`() throws {
        let bytes = Array("hello, and more".utf8)
        for split in 0...5 {
            var decoder = BodyDecoder(.length(5), limits: Limits())
            #expect(try decoder.decode(Array(bytes[..<split]).span) == split)
            #expect(decoder.isDone == (split == 5))
            #expect(try decoder.decode(Array(bytes[split...]).span) == 5 - split)
            #expect(decoder.isDone && decoder.body == Array("hello".utf8))
        }
    }

    @Test func `a length of none is done at once`() {
        #expect(BodyDecoder(.length(0), limits: Limits()).isDone)
    }

    @Test(arguments: [(BodyFraming.length(2), true), (.chunked, true), (.untilClose, false)])
    func `a close ends only what it may end`(framing: BodyFraming, isTruncated: Bool) throws {
        var decoder = BodyDecoder(framing, limits: Limits())
        _ = try decoder.decode([UInt8(ascii: "1")].span)
        if isTruncated {
            #expect(throws: ParseError.truncated) { try decoder.finish() }
        } else {
            try decoder.finish()
            #expect(decoder.body == [UInt8(ascii: "1")])
        }
    }
}

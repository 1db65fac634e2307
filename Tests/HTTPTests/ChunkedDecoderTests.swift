import Testing

@testable import HTTP

struct ChunkedDecoderTests {
    private static let encoded = Array("5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n".utf8)
    private static let decoded = Array("hello0123456789".utf8)

    @Test func `three pieces give what one gives, wherever they are split`() throws {
        let bytes = Self.encoded
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var decoder = ChunkedDecoder(limits: Limits())
                var body: [UInt8] = []
                var taken = 0
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] {
                    taken += try decoder.decode(Array(piece).span, into: &body)
                }
                #expect(taken == bytes.count && body == Self.decoded && decoder.isDone, "\(first), \(second)")
            }
        }
    }

    @Test func `nothing is taken after the end`() throws {
        var decoder = ChunkedDecoder(limits: Limits())
        var body: [UInt8] = []
        #expect(try decoder.decode((Self.encoded + [1, 2]).span, into: &body) == Self.encoded.count)
        #expect(try decoder.decode([3].span, into: &body) == 0)
        #expect(body == Self.decoded)
    }
}

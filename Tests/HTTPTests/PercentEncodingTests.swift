import Testing

@testable import HTTP

struct PercentEncodingTests {
    @Test func `every byte has one escape, in either case of its digits`() {
        for byte in UInt8.min...UInt8.max {
            let digits = [PercentEncoding.upperHex(byte >> 4), PercentEncoding.upperHex(byte & 0xF)]
            for escape in [digits, digits.map(\.lowercased)] {
                #expect(PercentEncoding.decode([UInt8(ascii: "%")] + escape, plusIsSpace: false) == [byte])
            }
        }
    }

    @Test func `a plus is a space where the caller says so`() {
        #expect(PercentEncoding.decode(Array("a+%2B".utf8), plusIsSpace: true) == Array("a +".utf8))
        #expect(PercentEncoding.decode(Array("a+%2B".utf8), plusIsSpace: false) == Array("a++".utf8))
    }

    @Test(arguments: ["%", "%4", "a%", "%%41", "%4%31", "%g0", "%0g", "%+1"])
    func `half an escape is refused`(text: String) {
        #expect(PercentEncoding.decode(Array(text.utf8), plusIsSpace: true) == nil)
    }
}

import Encodings
import Testing

struct Base64URLTests {
    @Test(arguments: [
        ([], ""), ([0x66], "Zg"), ([0x66, 0x6F], "Zm8"), ([0x66, 0x6F, 0x6F], "Zm9v"), ([0xFB, 0xFF, 0xBF], "-_-_"),
    ])
    func `bytes are written without padding and without what a URL would escape`(_ bytes: [UInt8], _ text: String) {
        #expect(Base64URL.encode(bytes) == text)
        #expect(Base64URL.decode(text) == bytes)
    }

    @Test(arguments: [
        ("padding", "Zg=="), ("the other alphabet", "+/+/"), ("a lone digit", "Zm9vZ"), ("a space", "Zm9 "),
        ("a line's end", "Zm9v\n"), ("bits beyond the last byte", "Zh"), ("what is not ASCII", "Zm9\u{E9}"),
    ])
    func `what is not written that way is refused`(_ name: String, _ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }
}

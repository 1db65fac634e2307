import HTTP
import Testing

struct Base64URLTests {
    @Test(arguments: [
        ([], ""), ([0x66], "Zg"), ([0x66, 0x6F], "Zm8"), ([0x66, 0x6F, 0x6F], "Zm9v"), ([0xFB, 0xFF, 0xBF], "-_-_"),
    ])
    func `bytes are written without padding and without what a URL would escape`(_ bytes: [UInt8], _ text: String) {
        #expect(Base64URL.encode(bytes) == text)
    }
}

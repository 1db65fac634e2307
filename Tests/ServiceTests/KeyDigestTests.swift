import Service
import Testing

struct KeyDigestTests {
    // FIPS 180-2 appendix B.1: the digest of "abc".
    private static let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test func `a key's digest is its SHA-256`() {
        #expect(KeyDigest(of: "abc").description == Self.abc)
        #expect(KeyDigest(parsing: Self.abc) == KeyDigest(of: "abc"))
        #expect(KeyDigest(parsing: "sha256:" + Self.abc.dropFirst(7).uppercased()) == KeyDigest(of: "abc"))
    }

    @Test func `digests that differ in one bit anywhere differ`() {
        for index in 7..<71 {
            var digits = Array(Self.abc)
            digits[index] = digits[index] == "0" ? "1" : "0"
            #expect(KeyDigest(parsing: String(digits)) != KeyDigest(of: "abc"))
        }
    }

    @Test(arguments: [
        "", "sha256:", String(abc.dropLast()), abc + "0", String(abc.dropFirst(7)), "SHA256:" + abc.dropFirst(7),
        abc.replacing("b", with: "g"), abc.replacing("ba", with: "é"), abc.replacing("a7", with: "７"),
    ])
    func `anything else is no digest`(_ text: String) {
        #expect(KeyDigest(parsing: text) == nil)
    }
}

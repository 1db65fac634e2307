import Testing
import TokenBroker

struct FingerprintTests {
    @Test func `a fingerprint is the start of the SHA-256`() {
        #expect(Fingerprint(of: "abc").text == "ba7816bf8f01cfea")
        #expect(Fingerprint(of: "").description == "e3b0c44298fc1c14")
    }
}

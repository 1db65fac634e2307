import Testing

@testable import Sealing

struct MasterKeyTests {
    @Test func `a key is read as it is written`() throws {
        let key = MasterKey.generate()
        let text = key.reveal()
        #expect(text.utf8.count == 47)
        let read = try MasterKey(parsing: text)
        #expect(read.reveal() == text)
        #expect(read.id == key.id)
    }

    @Test func `no two keys are the same`() {
        #expect(Set((0..<100).map { _ in MasterKey.generate().reveal() }).count == 100)
    }

    @Test(arguments: [
        ("nothing", "", MasterKeyError.noPrefix),
        ("a caller's key", "tw_" + String(repeating: "A", count: 43), .noPrefix),
        ("upper case", "TWM_" + String(repeating: "A", count: 43), .noPrefix),
        ("a space before it", " twm_" + String(repeating: "A", count: 43), .noPrefix),
        ("a line's end", "twm_" + String(repeating: "A", count: 43) + "\n", .notBase64URL),
        ("padding", "twm_" + String(repeating: "A", count: 43) + "=", .notBase64URL),
        ("the other alphabet", "twm_" + String(repeating: "+", count: 43), .notBase64URL),
        ("bits too many", "twm_" + String(repeating: "A", count: 42) + "B", .notBase64URL),
        ("nothing after the prefix", "twm_", .wrongLength),
        ("a byte too few", "twm_" + String(repeating: "A", count: 42), .wrongLength),
        ("a byte too many", "twm_" + String(repeating: "A", count: 44), .wrongLength),
    ])
    func `what is no key is refused`(_ name: String, _ text: String, _ error: MasterKeyError) {
        #expect(throws: error) { try MasterKey(parsing: text) }
    }

    @Test func `a key prints as its id, however it is printed`() throws {
        let key = MasterKey.generate()
        var dumped = ""
        dump((key, KeyRing(active: key)), to: &dumped)
        for text in ["\(key)", String(reflecting: key), "\([key])", dumped] {
            #expect(!text.contains(key.reveal().dropFirst(4)))
        }
        #expect("\(key)" == "<master key \(key.id)>")
    }

    @Test(arguments: [
        (0, "00000000"), (1, "00000001"), (0xC0FFEE, "00c0ffee"), (0xFFFF_FFFF, "ffffffff"),
    ])
    func `an id is four bytes in eight digits`(_ number: UInt32, _ text: String) {
        let id = KeyID(number: number)
        #expect(id.description == text)
        #expect(KeyID(id.bytes) == id)
    }
}

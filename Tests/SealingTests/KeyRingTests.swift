import Testing

@testable import Sealing

struct KeyRingTests {
    private static let tenant = Array("acme".utf8)
    private static let context = [tenant, [1], [0, 0, 0, 1]]
    private let master = MasterKey.generate()
    private let plain = Array("a token that must not be seen".utf8)

    private var ring: KeyRing { KeyRing(active: master) }
    private var sealed: [UInt8] { ring.seal(plain, for: .record, context: Self.context) }

    @Test(arguments: [0, 1, 15, 16, 17, 4096, 100_000], Purpose.allCases)
    func `what is sealed opens`(_ count: Int, _ purpose: Purpose) throws {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = ring.seal(plain, for: purpose, context: Self.context)
        #expect(sealed.count == count + 45)
        let opened = try ring.open(sealed[...], for: purpose, context: Self.context)
        #expect(opened == KeyRing.Opened(plain: plain, isOfActiveKey: true))
    }

    @Test func `what is sealed is opened out of the midst of other bytes`() throws {
        let among = [1, 2, 3] + sealed + [4]
        #expect(try ring.open(among[3..<(among.count - 1)], for: .record, context: Self.context).plain == plain)
    }

    @Test func `the same text is never sealed the same way`() {
        let sealed = Set((0..<100).map { _ in ring.seal(plain, for: .record, context: Self.context) })
        #expect(sealed.count == 100)
        #expect(Set(sealed.map { $0[5..<29] }).count == 100)
    }

    @Test(arguments: [
        ("another tenant", [Array("acne".utf8), [1], [0, 0, 0, 1]]),
        ("another kind", [tenant, [2], [0, 0, 0, 1]]),
        ("another version", [tenant, [1], [0, 0, 0, 2]]),
        ("the fields in another order", [[1], tenant, [0, 0, 0, 1]]),
        ("a field less", [tenant, [1]]),
        ("a field more", [tenant, [1], [0, 0, 0, 1], []]),
        ("a byte moved to the next field", [Array("acm".utf8), Array("e".utf8) + [1], [0, 0, 0, 1]]),
        ("two fields as one", [tenant + [1], [0, 0, 0, 1]]),
        ("a field with the length of the next in it", [tenant + [0, 0, 0, 1, 1], [0, 0, 0, 1]]),
        ("no context", []),
    ])
    func `what is moved elsewhere does not open`(_ name: String, _ context: [[UInt8]]) {
        #expect(throws: SealError.doesNotOpen) { try ring.open(sealed[...], for: .record, context: context) }
    }

    @Test(arguments: Purpose.allCases, Purpose.allCases)
    func `what is sealed for one purpose opens for no other`(_ sealedFor: Purpose, _ openedFor: Purpose) {
        let sealed = ring.seal(plain, for: sealedFor, context: Self.context)
        let opened = try? ring.open(sealed[...], for: openedFor, context: Self.context)
        #expect((opened != nil) == (sealedFor == openedFor))
    }

    @Test func `what is cut off does not open, wherever it is cut`() {
        let sealed = sealed
        for count in 0..<sealed.count {
            let error: SealError = count < 45 ? .tooShort : .doesNotOpen
            #expect(throws: error) { try ring.open(sealed[..<count], for: .record, context: Self.context) }
            #expect(throws: (any Error).self) {
                try ring.open(sealed[(sealed.count - count)...], for: .record, context: Self.context)
            }
        }
    }

    @Test func `what has a bit changed does not open, whichever it is`() {
        let sealed = sealed
        for index in sealed.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed[index] ^= 1 << bit
                let error: SealError =
                    switch index {
                    case 0: .unknownVersion(changed[0])
                    case 1..<5: .unknownKey(KeyID(changed[1..<5]))
                    default: .doesNotOpen
                    }
                #expect(throws: error) { try ring.open(changed[...], for: .record, context: Self.context) }
            }
        }
    }

    @Test func `what has bytes after its end does not open`() {
        #expect(throws: SealError.doesNotOpen) {
            try ring.open((sealed + [0])[...], for: .record, context: Self.context)
        }
    }

    @Test func `the previous key opens, and says that it is not the active one`() throws {
        let ring = KeyRing(active: .generate(), previous: master)
        let opened = try ring.open(sealed[...], for: .record, context: Self.context)
        #expect(opened == KeyRing.Opened(plain: plain, isOfActiveKey: false))
        #expect(ring.previousID == master.id)
        #expect(try ring.open(ring.seal([], for: .check, context: [])[...], for: .check, context: []).isOfActiveKey)
    }

    @Test func `what another key sealed does not open, and says which it needs`() throws {
        let others = KeyRing(active: .generate(), previous: .generate())
        #expect(throws: SealError.unknownKey(master.id)) {
            try others.open(sealed[...], for: .record, context: Self.context)
        }
        #expect(try KeyRing.keyID(of: sealed[...]) == master.id)
    }

    @Test func `a key that takes another's id opens nothing of it`() {
        let other = MasterKey.generate()
        var sealed = sealed
        sealed.replaceSubrange(1..<5, with: other.id.bytes)
        #expect(throws: SealError.doesNotOpen) {
            try KeyRing(active: other).open(sealed[...], for: .record, context: Self.context)
        }
    }

    @Test func `a name is blinded the same way each time, and differently by each key`() {
        let name = [Self.tenant, [1]]
        #expect(ring.blind(name).count == 16)
        #expect(ring.blind(name) == KeyRing(active: master, previous: .generate()).blind(name))
        #expect(ring.blind(name) != KeyRing(active: .generate(), previous: master).blind(name))
        #expect(ring.blind(name) != ring.blind([Self.tenant + [1]]))
    }

    @Test func `a ring prints as its keys' ids, however it is printed`() {
        let other = MasterKey.generate()
        let ring = KeyRing(active: master, previous: other)
        var dumped = ""
        dump(ring, to: &dumped)
        let text = "<key ring \(master.id), \(other.id)>"
        #expect(["\(ring)", String(reflecting: ring), dumped] == [text, text, "- \(text)\n"])
        #expect("\(KeyRing(active: master))" == "<key ring \(master.id)>")
    }
}

import Service
import Testing

struct CallerKeyTests {
    /// Counts up from a first number.
    private struct Counter: RandomNumberGenerator {
        var value: UInt64

        mutating func next() -> UInt64 {
            defer { value &+= 1 }
            return value
        }
    }

    @Test func `a key is tw_ and 43 unreserved characters`() {
        for seed in 0..<256 {
            var generator = Counter(value: UInt64(seed) << 56 | 0xFB)
            let key = CallerKey(using: &generator).reveal()
            #expect(key.hasPrefix("tw_"))
            #expect(key.utf8.count == 46)
            #expect(key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        }
    }

    @Test func `two keys differ, and each has its digest`() {
        var generator = SystemRandomNumberGenerator()
        let (one, other) = (CallerKey(using: &generator), CallerKey(using: &generator))
        #expect(one.reveal() != other.reveal())
        #expect(one.digest == KeyDigest(of: one.reveal()))
    }

    @Test func `a key does not print`() {
        var generator = SystemRandomNumberGenerator()
        let key = CallerKey(using: &generator)
        #expect(!"\(key)".contains(key.reveal()))
        #expect(!String(reflecting: key).contains(key.reveal()))
    }
}

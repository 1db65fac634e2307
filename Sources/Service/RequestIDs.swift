import HTTP
import Synchronization

/// Names for requests: the caller's own where it is sane, else one that no other request of this process has.
final class RequestIDs: Sendable {
    private let prefix = UInt32.random(in: .min ... .max)
    private let count = Atomic<UInt32>(0)

    /// The request's `X-Request-Id` if it is 1 to 64 letters, digits, `-`, `_` or `.`; else the next of ours.
    func id(of request: Request) -> String {
        guard let id = request.fields["X-Request-Id"], Printable.isWord(id) else { return next() }
        return id
    }

    /// 16 hex digits.
    func next() -> String {
        let number = UInt64(prefix) << 32 | UInt64(count.wrappingAdd(1, ordering: .relaxed).newValue)
        return String(unsafeUninitializedCapacity: 16) { digits in
            for index in 0..<16 {
                let nibble = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xF
                digits.initializeElement(at: index, to: nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
            }
            return 16
        }
    }
}

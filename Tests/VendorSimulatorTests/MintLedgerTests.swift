import Foundation
import Testing

@testable import VendorSimulator

struct MintLedgerTests {
    private let start = Date(timeIntervalSince1970: 0)
    private let policy = BanPolicy(mints: 3, window: .seconds(100), duration: .seconds(50), expiresTokens: true)

    private func ledger(mintsAt seconds: [TimeInterval]) -> MintLedger {
        var ledger = MintLedger()
        for second in seconds {
            #expect(ledger.mint(at: start + second, under: policy) == .minted)
        }
        return ledger
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var mints: [TimeInterval]
        var attempt: TimeInterval
        var isBanned: Bool
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "the last allowed one", mints: [0, 1], attempt: 2, isBanned: false),
        Case(name: "one too many", mints: [0, 1, 2], attempt: 3, isBanned: true),
        Case(name: "just inside the window", mints: [0, 1, 2], attempt: 99.5, isBanned: true),
        Case(name: "as the window ends", mints: [0, 1, 2], attempt: 100, isBanned: false),
        Case(name: "the window slides", mints: [0, 60, 90, 101], attempt: 159, isBanned: true),
        Case(name: "the window has slid", mints: [0, 60, 90, 101], attempt: 160, isBanned: false),
    ])
    func `a client that mints more than its window allows is banned`(_ example: Case) {
        var ledger = ledger(mintsAt: example.mints)
        let now = start + example.attempt
        let verdict = ledger.mint(at: now, under: policy)
        #expect(verdict == (example.isBanned ? .bannedNow(until: now + 50) : .minted))
        #expect(ledger.mints == example.mints.count + (example.isBanned ? 0 : 1))
    }

    @Test func `a ban holds until its end, and then the client starts anew`() {
        var ledger = ledger(mintsAt: [0, 1, 2])
        #expect(ledger.mint(at: start + 3, under: policy) == .bannedNow(until: start + 53))
        #expect(ledger.mint(at: start + 52.9, under: policy) == .banned(until: start + 53))
        #expect(ledger.bannedUntil(at: start + 52.9) == start + 53)
        #expect(ledger.bannedUntil(at: start + 53) == nil)
        for second in [53.0, 54, 55] {
            #expect(ledger.mint(at: start + second, under: policy) == .minted)
        }
        #expect(ledger.mint(at: start + 56, under: policy) == .bannedNow(until: start + 106))
    }

    @Test func `without a policy nobody is banned`() {
        var ledger = MintLedger()
        for _ in 0..<1000 {
            #expect(ledger.mint(at: start, under: nil) == .minted)
        }
        #expect(ledger.lastMints.count == MintLedger.shown)
    }

    @Test func `attempts, mints, refusals and intervals are counted`() {
        var ledger = ledger(mintsAt: [0, 10, 14])
        ledger.recordRefusal(at: start + 20)
        _ = ledger.mint(at: start + 21, under: policy)
        #expect(ledger.attempts == 5)
        #expect(ledger.mints == 3)
        #expect(ledger.refused == 2)
        #expect(ledger.smallestInterval == 4)
        #expect(Array(ledger.lastMints) == [start, start + 10, start + 14])
        #expect(Array(ledger.lastAttempts) == [start, start + 10, start + 14, start + 20, start + 21])
    }

    @Test func `only the last times are kept`() {
        var ledger = MintLedger()
        for second in 0..<50 {
            ledger.recordRefusal(at: start + TimeInterval(second))
        }
        #expect(ledger.attempts == 50)
        #expect(Array(ledger.lastAttempts) == (30..<50).map { start + TimeInterval($0) })
    }
}

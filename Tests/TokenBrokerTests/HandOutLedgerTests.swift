import Testing

@testable import TokenBroker

struct HandOutLedgerTests {
    private let start = ContinuousClock.now

    @Test func `a caller has one entry, of its last hand-out`() {
        var ledger = HandOutLedger()
        let (payroll, reports) = (CallerIdentity(name: "payroll"), CallerIdentity(name: "reports"))
        ledger.note(payroll, at: start)
        ledger.note(reports, at: start + .seconds(1))
        ledger.note(payroll, at: start + .seconds(2))
        #expect(ledger.entries.map(\.caller.name) == ["payroll", "reports"])
        #expect(ledger.entries.map { $0.last - start } == [.seconds(2), .seconds(1)])
        ledger.clear()
        #expect(ledger.entries.isEmpty)
    }

    @Test func `of more than a hundred callers the last hundred stay`() {
        var ledger = HandOutLedger()
        let callers = (0..<101).map { CallerIdentity(name: "caller-\($0)") }
        for (second, caller) in callers[..<100].enumerated() { ledger.note(caller, at: start + .seconds(second)) }
        ledger.note(callers[0], at: start + .seconds(100))
        ledger.note(callers[100], at: start + .seconds(101))
        #expect(ledger.entries.count == 100)
        #expect(Set(ledger.entries.map(\.caller.name)) == Set(callers.map(\.name)).subtracting(["caller-1"]))
    }

    @Test func `noting a caller that is in it allocates nothing`() {
        var ledger = HandOutLedger()
        let caller = CallerIdentity(name: "payroll")
        ledger.note(caller, at: start)
        let place = ledger.entries.withUnsafeBufferPointer(\.baseAddress)
        for second in 0..<1000 { ledger.note(caller, at: start + .seconds(second)) }
        #expect(ledger.entries.withUnsafeBufferPointer(\.baseAddress) == place)
        ledger.clear()
        ledger.note(caller, at: start)
        #expect(ledger.entries.withUnsafeBufferPointer(\.baseAddress) == place)
    }
}

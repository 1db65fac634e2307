import Testing
import TokenBroker

@testable import Stores

struct PendingRecordsTests {
    @Test func `what is not durable is as old as the first of it`() {
        let start = ContinuousClock.now
        var pending = PendingRecords()
        pending.take([], at: start)
        #expect(pending.oldest == nil)
        pending.take([.token("a")], at: start + .seconds(1))
        pending.take([.token("a"), .token("b")], at: start + .seconds(2))
        #expect(pending.oldest == start + .seconds(1))
        _ = pending.commit()
        pending.take([.token("c")], at: start + .seconds(3))
        #expect(pending.oldest == start + .seconds(1))
        pending.failed(obsolete: [])
        #expect(pending.oldest == start + .seconds(1))
        _ = pending.commit()
        pending.take([.token("d")], at: start + .seconds(4))
        pending.committed()
        #expect(pending.oldest == start + .seconds(4))
        _ = pending.commit()
        pending.failed(obsolete: [Record.token("d").id])
        #expect(pending.oldest == nil && pending.isEmpty)
    }
}

import HTTP
import Testing

@testable import Service

struct UntoldTests {
    @Test func `the first is told at once, the others of its second together`() {
        let start = ContinuousClock.now
        var untold = Untold<ConnectionRefusal>()
        #expect(untold.add(.maximum, at: start) == [.maximum: 1])
        for milliseconds in 1..<1000 {
            let refusal = milliseconds <= 10 ? ConnectionRefusal.maximum : .address
            #expect(untold.add(refusal, at: start.advanced(by: .milliseconds(milliseconds))) == nil)
        }
        #expect(untold.add(.address, at: start.advanced(by: .seconds(1))) == [.maximum: 10, .address: 990])
        #expect(untold.add(.address, at: start.advanced(by: .seconds(1))) == nil)
        #expect(untold.add(.descriptors, at: start.advanced(by: .seconds(60))) == [.address: 1, .descriptors: 1])
    }
}

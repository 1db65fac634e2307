import Testing

@testable import HTTP

struct WaitingLineTests {
    @Test func `who came first goes first, and who has left does not`() {
        var line = WaitingLine<String>()
        _ = line.append("first")
        let second = line.append("second")
        _ = line.append("third")
        #expect(line.remove(second) == "second")
        #expect(line.remove(second) == nil)
        #expect(line.removeFirst() == "first")
        #expect(line.removeFirst() == "third")
        #expect(line.removeFirst() == nil)
        _ = line.append("fourth")
        #expect(line.removeFirst() == "fourth")
    }
}

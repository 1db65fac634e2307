import Testing

@testable import Service

struct RecentTableTests {
    @Test func `it never holds more than its capacity, and keeps the most recent half`() {
        var table = RecentTable<Int, Int>(capacity: 10)
        for key in 0..<1000 {
            table[key] = -key
            #expect(table.count <= 10)
            for recent in max(0, key - 4)...key { #expect(table[recent] == -recent) }
        }
        #expect(table[900] == nil)
    }

    @Test func `what is used stays`() {
        var table = RecentTable<Int, String>(capacity: 10)
        table[-1] = "used"
        for key in 0..<100 {
            table[key] = "new"
            if key % 3 == 0 { #expect(table[-1] == "used") }
        }
        table[-1] = nil
        #expect(table[-1] == nil)
    }
}

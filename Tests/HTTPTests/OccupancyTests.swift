import Testing

@testable import HTTP

struct OccupancyTests {
    @Test func `the last place is given, and none after it`() throws {
        var occupancy = Occupancy(maximum: 3, maximumPerAddress: 3)
        for network in [1, 2, 3] as [UInt64] { try occupancy.enter(from: network) }
        #expect(occupancy.connections == 3)
        #expect(throws: ConnectionRefusal.maximum) { try occupancy.enter(from: 4) }
        #expect(occupancy.connections == 3)
        _ = occupancy.leave(from: 2)
        try occupancy.enter(from: 4)
        #expect(occupancy.connections == 3)
    }

    @Test func `a network has its share, and others are not kept out by it`() throws {
        var occupancy = Occupancy(maximum: 10, maximumPerAddress: 2)
        for _ in 0..<2 { try occupancy.enter(from: 1) }
        #expect(throws: ConnectionRefusal.address) { try occupancy.enter(from: 1) }
        try occupancy.enter(from: 2)
        _ = occupancy.leave(from: 1)
        try occupancy.enter(from: 1)
        #expect(occupancy.connections == 3)
    }

    @Test func `who has left is forgotten, and who was refused was never known`() throws {
        var occupancy = Occupancy(maximum: 1000, maximumPerAddress: 1)
        for network in 0..<1000 as Range<UInt64> { try occupancy.enter(from: network) }
        for network in 1000..<3000 as Range<UInt64> {
            #expect(throws: (any Error).self) { try occupancy.enter(from: network) }
        }
        #expect(occupancy.networks == 1000)
        for network in 0..<1000 as Range<UInt64> { _ = occupancy.leave(from: network) }
        #expect(occupancy.networks == 0 && occupancy.connections == 0)
    }

    @Test(arguments: [(999, 0), (1000, 250), (1003, 250), (20_000, 5000)])
    func `a flood has passed, once, when three of four have left`(connections: Int, rest: Int) throws {
        var occupancy = Occupancy(maximum: 20_000, maximumPerAddress: 20_000)
        var passed: [Int] = []
        for _ in 0..<connections { try occupancy.enter(from: 1) }
        for _ in 0..<connections where occupancy.leave(from: 1) { passed.append(occupancy.connections) }
        #expect(passed == (rest == 0 ? [] : rest >= 4000 ? [5000, 1250, 312] : [rest]))
    }
}

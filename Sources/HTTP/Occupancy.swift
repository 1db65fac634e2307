/// Why a connection was closed as it came.
package enum ConnectionRefusal: String, Error, CaseIterable, Sendable {
    /// As many are open as may be.
    case maximum
    /// As many are open from that address as may be.
    case address
    /// The process has no descriptor left for it.
    case descriptors
}

/// Who is connected to a server: counted in all and by `SocketAddress.network`.
///
/// It remembers only those who are here, so it is as large as the number of connections at most.
struct Occupancy {
    /// So many are a flood: less is not worth tidying up after.
    private static let flood = 1000

    private let maximum: Int
    private let maximumPerAddress: Int
    private(set) var connections = 0
    private var byNetwork: [UInt64: Int] = [:]
    /// The most that there were since the last flood.
    private var peak = 0

    init(maximum: Int, maximumPerAddress: Int) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
    }

    /// How many different networks the connections come from.
    var networks: Int { byNetwork.count }

    /// Counts a connection in, if there is room for it.
    mutating func enter(from network: UInt64) throws(ConnectionRefusal) {
        guard connections < maximum else { throw .maximum }
        let others = byNetwork[network, default: 0]
        guard others < maximumPerAddress else { throw .address }
        byNetwork[network] = others + 1
        connections += 1
        peak = max(peak, connections)
    }

    /// Counts one out that was counted in.
    ///
    /// - Returns: Whether a flood has passed with it: three of four have left.
    mutating func leave(from network: UInt64) -> Bool {
        let others = byNetwork[network, default: 0] - 1
        precondition(others >= 0, "a connection leaves once")
        byNetwork[network] = others == 0 ? nil : others
        connections -= 1
        guard peak >= Self.flood, connections <= peak / 4 else { return false }
        peak = connections
        return true
    }
}

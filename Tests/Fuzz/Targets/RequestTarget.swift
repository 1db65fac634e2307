@testable import HTTP

extension FuzzTarget {
    /// All that a client sends on one connection: requests and their bodies.
    static let request = FuzzTarget(name: "request") { input in
        _ = try Framing.check(input, with: RequestParser.self)
    }
}

@testable import HTTP

extension FuzzTarget {
    /// All that a server sends on one connection: answers and their bodies.
    static let response = FuzzTarget(name: "response") { input in
        for message in try Framing.check(input, with: ResponseParser.self).messages {
            let code = Int(message.head.prefix { $0 != " " })
            try require(code.map { (100...599).contains($0) } == true, "a status of three digits")
        }
    }
}

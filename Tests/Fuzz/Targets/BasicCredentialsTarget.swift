@testable import HTTP

extension FuzzTarget {
    /// The value of an `Authorization` field; and the input as name and password.
    static let basicCredentials = FuzzTarget(name: "basic-credentials") { input in
        let field = String(decoding: input, as: UTF8.self)
        if let credentials = BasicCredentials(field: field) {
            try require(!credentials.user.utf8.contains(UInt8(ascii: ":")), "no colon in a name")
            try require(!credentials.bytes.contains(where: \.isASCIIControl), "no control characters")
            try require(BasicCredentials(field: credentials.field)?.bytes == credentials.bytes, "the same when encoded")
        }
        let halves = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if halves.count == 2, !field.utf8.contains(where: \.isASCIIControl) {
            let credentials = BasicCredentials(user: halves[0], password: halves[1])
            try require(BasicCredentials(field: credentials.field)?.bytes == credentials.bytes, "encoded and decoded")
        }
    }
}

extension BasicCredentials {
    fileprivate var bytes: [UInt8] { Array("\(user):\(password)".utf8) }
}

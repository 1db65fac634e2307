@testable import HTTP

extension FuzzTarget {
    /// A URL of the configuration.
    static let httpURL = FuzzTarget(name: "http-url") { input in
        // Its path, where it has none, makes the longest one longer than is taken.
        guard input.count < 2048, let url = HTTPURL(String(decoding: input, as: UTF8.self)) else { return }
        try require(HTTPURL(url.description) == url, "\(url) is the same when written")
        try require(url.target.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "the target fits a request line")
        let request = Array("GET / HTTP/1.1\r\nHost: \(url.authority)\r\n\r\n".utf8)
        var parser = RequestParser(limits: Limits())
        try require(try parser.parse(request.span)?.count == request.count, "\(url.authority) is a Host")
    }
}

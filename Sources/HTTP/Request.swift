package import Sockets

/// A request as a handler sees it: whole, checked, and within the server's limits.
package struct Request: Sendable {
    package var method: Method
    package var target: Target
    package var fields: Fields
    /// The body, decoded from `Content-Length` or chunked framing; empty when there was none.
    package var body: [UInt8]
    /// Whose socket it came from: the client, or the last proxy before us.
    package var peer: SocketAddress

    package init(
        method: Method, target: Target, fields: Fields = Fields(), body: [UInt8] = [], peer: SocketAddress = .loopback()
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.peer = peer
    }
}

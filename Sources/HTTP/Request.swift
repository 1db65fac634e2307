package import Sockets

/// A request as a handler sees it: whole, checked, and within the server's limits.
package struct Request: Sendable {
    package var method: Method
    package var target: Target
    package var fields: Fields
    /// The body, decoded from `Content-Length` or chunked framing; empty when there was none.
    package var body: [UInt8]
    /// Its name in the answer and in what is written about it.
    package var id: RequestID
    /// Whose socket it came from: the client, or the last proxy before us.
    package var peer: SocketAddress
    /// Who the client is by the certificate of its connection; nil without one.
    package var clientCertificate: ClientCertificate?

    /// Whether the body is as it is, in no content coding.
    package var hasPlainBody: Bool { ContentCoding.isIdentity(fields) }

    package init(
        method: Method, target: Target, fields: Fields = Fields(), body: [UInt8] = [], id: RequestID = RequestID(0),
        peer: SocketAddress = .loopback(), clientCertificate: ClientCertificate? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.id = id
        self.peer = peer
        self.clientCertificate = clientCertificate
    }
}

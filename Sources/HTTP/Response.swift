/// An answer: ours to a client, or an upstream's to us.
///
/// Framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`) and `Date` are the connection's to write; a handler leaves them out.
package struct Response: Sendable {
    package var status: Status
    package var fields: Fields
    package var body: [UInt8]

    package init(_ status: Status, fields: Fields = Fields(), body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer with a body of that media type.
    package init(_ status: Status, type: String, body: [UInt8]) {
        self.init(status, body: body)
        fields.append("Content-Type", type)
    }
}

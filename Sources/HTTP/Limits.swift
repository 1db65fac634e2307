/// What a peer may ask of us: bytes, counts and time. Every one of them is enforced while the message arrives.
package struct Limits: Sendable {
    /// Empty lines before a request line, which old clients leave after a body (RFC 9112 §2.2).
    package var emptyLines = 4
    package var methodBytes = 32
    /// A request line, or a status line, without its CRLF.
    package var startLineBytes = 8 * 1024
    /// One field line, without its CRLF; also one trailer line.
    package var fieldLineBytes = 8 * 1024
    /// Field lines of a head; also trailer lines of a body.
    package var fieldCount = 64
    /// The whole head, with empty lines before it and the final one.
    package var headBytes = 16 * 1024
    package var bodyBytes = 64 * 1024
    /// What stands between a chunk's size and its CRLF.
    package var chunkExtensionBytes = 256
    /// What chunked framing may add to a body: size lines, extensions, trailers.
    package var chunkOverheadBytes = 8 * 1024

    package init() {}
}

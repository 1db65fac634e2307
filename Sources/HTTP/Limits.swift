/// What a peer may ask of us: bytes, counts and time. Every one of them is enforced while the message arrives.
package struct Limits: Sendable {
    /// A request line, or a status line, without its CRLF.
    package var startLineBytes = 8 * 1024
    /// One field line, without its CRLF; also one trailer line.
    package var fieldLineBytes = 8 * 1024
    package var fieldCount = 64
    /// The whole head, with the final empty line.
    package var headBytes = 16 * 1024
    package var bodyBytes = 64 * 1024
    /// What chunked framing may add to a body: size lines, extensions, trailers.
    package var chunkOverheadBytes = 8 * 1024

    package init() {}
}

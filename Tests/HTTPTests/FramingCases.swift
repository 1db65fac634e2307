@testable import HTTP

/// What is a request and what is none, byte for byte (RFC 9112, RFC 9110, RFC 3986).
enum FramingCases {
    static let all =
        requestLines + refusedRequestLines + otherProtocols + targets + refusedTargets + absoluteForms + hosts
        + refusedHosts + fields + refusedFields + lengths + refusedLengths + codings + refusedCodings + chunks
        + refusedChunkSizes + refusedChunkExtensions + refusedChunkData + trailers + refusedTrailers + connectionFields
        + expectations

    static let neighbor = MessageCase.accepted(
        "a neighbor", head("GET /next HTTP/1.1", "Host: b"), as: "GET /next Host=b")

    // MARK: Requests with one odd part

    static func line(_ line: String) -> String { head(line, "Host: a") }

    static func get(_ target: String) -> String { line("GET \(target) HTTP/1.1") }

    static func host(_ value: String) -> String { head("GET / HTTP/1.1", "Host: \(value)") }

    static func field(_ line: String) -> String { head("GET / HTTP/1.1", "Host: a", line) }

    static func length(_ value: String, body: String = "hello") -> String {
        head("POST / HTTP/1.1", "Host: a", "Content-Length: \(value)") + body
    }

    static func coding(_ value: String) -> String {
        head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: \(value)") + "0\r\n\r\n"
    }

    static func chunked(_ body: String) -> String {
        head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + body
    }

    /// A chunk with that behind its size, and the end.
    static func chunk(extension text: String) -> String { chunked("1\(text)\r\nx\r\n0\r\n\r\n") }

    static func trailer(_ line: String) -> String { chunked("1\r\nx\r\n0\r\n\(line)\r\n\r\n") }
}

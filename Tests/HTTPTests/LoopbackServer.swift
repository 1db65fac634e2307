import Support
import Testing

@testable import HTTP
@testable import Sockets

/// Runs `body` against a server of its own, and ends that server.
func withServer(
    _ configure: (inout HTTPServer.Configuration) -> Void = { _ in }, answering handler: @escaping Handler = tell,
    _ body: (HTTPServer) async throws -> Void
) async throws {
    var configuration = HTTPServer.Configuration()
    // As short as a draining server may be, so that no test waits for the end of another's connections.
    configuration.drainGrace = .milliseconds(50)
    configure(&configuration)
    let server = try HTTPServer(
        at: .loopback(), on: TestLoops.group, configuration: configuration, handler: handler)
    do {
        try await body(server)
    } catch {
        if !server.isDraining { await server.drain(within: .zero) }
        throw error
    }
    if !server.isDraining { await server.drain(within: .zero) }
}

/// Answers with what was asked.
func tell(_ request: Request) async -> Response {
    let path = request.target.segments.joined(separator: "/")
    return Response(.ok, type: "text/plain", body: Array("\(request.method) \(path) ".utf8) + request.body)
}

extension HTTPServer {
    func connect() throws -> RawConnection { try RawConnection(port: address.port) }

    /// Waits until so many connections are open.
    func waitUntil(connections: Int) async throws {
        let deadline = ContinuousClock.Instant.generous
        while connectionCount != connections {
            try #require(ContinuousClock.now < deadline, "\(connectionCount) connections are open")
            await Task.yield()
        }
    }

    /// Starts a drain, and returns when it has begun.
    func beginDraining(within limit: Duration) async throws -> Task<Void, Never> {
        let drain = Task(executorPreference: try TestLoops.group.any) { await self.drain(within: limit) }
        while !isDraining { await Task.yield() }
        return drain
    }
}

/// An answer as it came over the wire.
struct Answer {
    let status: Int
    let head: String
    let body: String

    var closes: Bool { head.contains("\r\nConnection: close\r\n") }
}

extension RawConnection {
    /// The next answer, whose body its `Content-Length` bounds.
    func receiveAnswer(hasBody: Bool = true) throws -> Answer {
        let head = try receive(through: "\r\n\r\n")
        let status = try #require(Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)))
        let length = head.rest(after: "\r\nContent-Length: ").flatMap { Int($0) } ?? 0
        return Answer(status: status, head: head, body: hasBody ? try receive(count: length) : "")
    }
}

extension String {
    /// What stands between `marker` and the end of its line.
    fileprivate func rest(after marker: String) -> String? {
        let bytes = Array(utf8)
        guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: marker.utf8) }) else { return nil }
        return String(decoding: bytes[(start + marker.utf8.count)...].prefix { $0 != 0x0D }, as: UTF8.self)
    }
}

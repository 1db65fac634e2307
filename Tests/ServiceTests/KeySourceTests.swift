import HTTP
import Sockets
import Support
import Synchronization
import Testing

@testable import Service

struct KeySourceTests {
    @Test(
        arguments: [
            (nil, 3600), ("", 3600), ("no-cache", 3600), ("max-age=600", 600),
            ("public, max-age=600, must-revalidate", 600),
            ("Max-Age = \"600\"", 600), ("max-age=0", 300), ("max-age=299", 300), ("max-age=86400", 86_400),
            ("max-age=999999999", 86_400), ("max-age=-1", 3600), ("max-age=x", 3600), ("max-age", 3600),
            ("max-age=99999999999999999999", 3600), ("s-maxage=600", 3600),
        ] as [(String?, Int)])
    func `a key set is kept as long as its answer says, within bounds`(_ field: String?, _ seconds: Int) {
        #expect(KeyURL.lifetime(field) == .seconds(seconds))
    }

    @Test func `a file is read, within bounds`() async throws {
        let folder = try ConfigurationFolder("{}")
        let source = KeyFile(path: folder.path + "keys.json")
        #expect(throws: KeySourceFailure(reason: "the file does not exist")) { try source.read() }
        try folder.write("keys.json", "keys")
        #expect(try source.read() == KeyDocument(bytes: Array("keys".utf8), period: .seconds(5)))
        try folder.write("keys.json", String(repeating: "x", count: 65_537))
        #expect(throws: KeySourceFailure(reason: "the file has more than 65536 bytes")) { try source.read() }
    }

    /// Runs a server that answers so, and reads from it.
    private func read(
        tokenFile: String? = nil, deadline: Duration = .seconds(300), _ handler: @escaping Handler
    ) async throws -> Result<KeyDocument, KeySourceFailure> {
        let group = try LoopbackService.group.get()
        let server = try HTTPServer(at: .loopback(), on: group, handler: handler)
        let source = KeyURL(
            client: HTTPClient(on: group), url: try #require(HTTPURL("http://\(server.address)/jwks?a=b")),
            tls: try .upstream(caFile: nil, certificate: nil), tokenFile: tokenFile, deadline: deadline)
        let result: Result<KeyDocument, KeySourceFailure>
        do throws(KeySourceFailure) { result = .success(try await source.read()) } catch { result = .failure(error) }
        await server.drain(within: .zero)
        return result
    }

    @Test func `a URL is asked with the token in its file`() async throws {
        let folder = try ConfigurationFolder("{}")
        try folder.write("token", "abc.def.ghi\n")
        let seen = Mutex<Request?>(nil)
        let document = try await read(tokenFile: folder.path + "token") { request in
            seen.withLock { $0 = request }
            var response = Response(.ok, type: "application/jwk-set+json", body: Array("{}".utf8))
            response.fields.append("Cache-Control", "max-age=700")
            return response
        }
        #expect(try document.get() == KeyDocument(bytes: Array("{}".utf8), period: .seconds(560)))
        #expect(seen.withLock { $0?.fields["Authorization"] } == "Bearer abc.def.ghi")
        #expect(seen.withLock { $0?.target.query } == "a=b")
    }

    @Test func `what is no answer is a failure, and a redirect is not followed`() async throws {
        for status in [Status(302), Status(401), Status(500)] {
            let result = try await read { _ in Response(status, type: "application/json", body: Array("{}".utf8)) }
            #expect(result == .failure(KeySourceFailure(reason: "status \(status.code)")))
        }
        let large = try await read { _ in Response(.ok, body: [UInt8](repeating: 0x20, count: 65_537)) }
        #expect(throws: KeySourceFailure.self) { try large.get() }
        let gate = Gate()
        let slow = try await read(deadline: .milliseconds(1)) { _ in
            await gate.wait()
            return Response(.ok)
        }
        gate.open()
        #expect(slow == .failure(KeySourceFailure(reason: "timed out")))
    }

    @Test(arguments: ["", "\n", "two words", "a\nb", "\u{1}"])
    func `a token file without a token is a failure that does not show what is there`(_ text: String) async throws {
        let folder = try ConfigurationFolder("{}")
        try folder.write("token", text)
        let result = try await read(tokenFile: folder.path + "token") { _ in Response(.ok) }
        #expect(result == .failure(KeySourceFailure(reason: "the token file holds no token")))
    }
}

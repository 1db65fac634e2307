import Support
import Testing

@testable import HTTP

struct RequestIDTests {
    @Test(arguments: ["a", "5c1b7f0e-9a3d_42.86", String(repeating: "x", count: 64)])
    func `a sane one of the client's is taken over`(_ text: String) {
        #expect(RequestID(Array(text.utf8)[...])?.description == text)
    }

    @Test(arguments: ["", " ", "a b", "é", "a\"b", "<script>", "a,b", "a=b", String(repeating: "x", count: 65)])
    func `any other is refused`(_ text: String) { #expect(RequestID(Array(text.utf8)[...]) == nil) }

    @Test(arguments: [
        (UInt64(0), "0000000000000000"), (0x0123_4567_89AB_CDEF, "0123456789abcdef"),
        (.max, "ffffffffffffffff"), (0x9A00_0000_0000_0A09, "9a00000000000a09"),
    ])
    func `ours is 16 hex digits`(_ number: UInt64, _ text: String) { #expect(RequestID(number).description == text) }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n", 200), ("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n", 200),
        ("GET / HTTP/1.1\r\n", 400),
    ])
    func `every answer has one, refused or not`(_ head: String, _ status: Int) async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(head + "\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer.status == status)
            let ids = answer.head.split(separator: "\r\n").filter { $0.hasPrefix("X-Request-Id: ") }
            #expect(ids.count == 1 && ids.contains("X-Request-Id: mine") == head.contains("mine"))
        }
    }

    @Test func `each of ours is new`() {
        let writer = MessageWriter()
        #expect(Set((0..<1000).map { _ in writer.nextID() }).count == 1000)
    }
}

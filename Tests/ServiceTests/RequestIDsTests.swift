import HTTP
import Testing

@testable import Service

struct RequestIDsTests {
    private func request(_ ids: String...) -> Request {
        var request = Request(method: .get, target: Target(segments: [""]))
        for id in ids { request.fields.append("X-Request-Id", id) }
        return request
    }

    @Test(arguments: ["a", "5c1b7f0e-9a3d_42.86", String(repeating: "x", count: 64)])
    func `a sane one is taken over`(_ id: String) { #expect(RequestIDs().id(of: request(id)) == id) }

    @Test(arguments: ["", " ", "a b", "é", "a\"b", "<script>", "a,b", "a=b", String(repeating: "x", count: 65)])
    func `any other is replaced`(_ id: String) {
        let answered = RequestIDs().id(of: request(id))
        #expect(answered != id)
        #expect(answered.utf8.count == 16)
    }

    @Test func `ours are 16 hex digits, and each is new`() {
        let ids = RequestIDs()
        let made = (0..<1000).map { _ in ids.id(of: request()) }
        #expect(Set(made).count == 1000)
        #expect(made.allSatisfy { id in id.utf8.count == 16 && id.allSatisfy { $0.isHexDigit && !$0.isUppercase } })
    }
}

import Testing

@testable import HTTP

struct CompressibleBodyTests {
    private static func request(_ accepted: String?) -> Request {
        var fields = Fields()
        if let accepted { fields.append("Accept-Encoding", accepted) }
        return Request(method: .get, target: Target(segments: ["metrics"]), fields: fields)
    }

    private static func body(_ count: Int) -> CompressibleBody {
        CompressibleBody([UInt8](repeating: 0x61, count: count))
    }

    /// Of an answer: its fields, and whether its body is smaller than it was.
    private static func answer(_ accepted: String?, count: Int) async -> String? {
        let response = await body(count).response(to: request(accepted), type: "text/plain")
        return response.map { response in
            (response.fields.all.map { "\($0.name): \($0.value)" }
                + [response.body.starts(with: [0x1F, 0x8B, 8]) ? "gzip" : "\(response.body.count)"])
                .joined(separator: "\n")
        }
    }

    private static let coded = "Content-Type: text/plain\nContent-Encoding: gzip\nVary: Accept-Encoding\ngzip"

    private static func plain(_ count: Int) -> String {
        "Content-Type: text/plain\nVary: Accept-Encoding\n\(count)"
    }

    @Test(
        arguments: [
            ("gzip", 1023, plain(1023)), ("gzip", 1024, coded), ("gzip", 1025, coded), (nil, 1025, plain(1025)),
            ("identity", 1025, plain(1025)), ("gzip;q=0", 1025, plain(1025)), ("gzip, identity;q=0", 0, coded),
            ("gzip, identity;q=0", 1023, coded), ("identity;q=0", 1024, nil), ("*;q=0", 0, nil),
        ] as [(String?, Int, String?)])
    func `the form of an answer`(_ accepted: String?, _ count: Int, _ answer: String?) async {
        #expect(await Self.answer(accepted, count: count) == answer)
    }

    @Test func `it is compressed once for all`() async throws {
        let body = Self.body(100_000)
        let responses = try await withThrowingTaskGroup(of: Response.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try #require(await body.response(to: Self.request("gzip"), type: "text/plain"))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let places = responses.map { $0.body.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
        #expect(Set(places).count == 1)
    }
}

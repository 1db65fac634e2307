import Foundation
import HTTP
import Telemetry
import Testing

@testable import Service

/// Requests in the log, and their traces on the way to a vendor.
struct RequestContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    /// The log line of that message.
    private func line(_ message: String, _ service: LoopbackService) throws -> [String: String] {
        let line = try #require(service.log.split(separator: "\n").last { $0.contains(#""message":"\#(message)""#) })
        return try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
    }

    @Test func `a mint is logged with the request that caused it, and the vendor told its trace`() async throws {
        try await LoopbackService.run { service in
            let traceparent = "00-\(Self.trace)-\(Self.parent)-01"
            let answer = try await service.get(
                "/tokens/initech", as: "payroll", [("X-Request-Id", "payroll-17"), ("traceparent", traceparent)])
            #expect(answer.status == 200)
            let sent = try #require(service.upstream.requests.first?.fields["traceparent"])
            let context = try #require(TraceContext(sent))
            #expect(context.traceID == Self.trace && context.isSampled)
            #expect(context.parentID != Self.parent)
            let line = try line("token minted", service)
            #expect(line["request_id"] == "payroll-17")
            #expect(line["trace_id"] == Self.trace)
            #expect(line["span_id"] == context.parentID)
        }
    }

    @Test func `a refresh by an operator is the operator's`() async throws {
        try await LoopbackService.run { service in
            service.upstream.answer(503)
            _ = try await service.post("/tenants/initech/refresh", "", as: "ops", [("X-Request-Id", "ops-1")])
            let line = try line("mint failed", service)
            #expect(line["request_id"] == "ops-1")
            #expect(line["trace_id"] == nil && line["span_id"] == nil)
            #expect(service.upstream.requests.allSatisfy { $0.fields["traceparent"] == nil })
        }
    }

    @Test(arguments: [
        ["00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01"], ["00-\(trace)-\(parent)-01 "],
        ["00-\(trace.uppercased())-\(parent)-01"], ["x"],
    ])
    func `a traceparent that is none is passed to nobody`(_ fields: [String]) async throws {
        try await LoopbackService.run { service in
            // A field's value is without the space at its end.
            let expected = fields[0].hasSuffix(" ")
            _ = try await service.get("/tokens/initech", as: "payroll", fields.map { ("traceparent", $0) })
            #expect((service.upstream.requests.first?.fields["traceparent"] != nil) == expected)
            #expect(try line("token minted", service)["request_id"] != nil)
            #expect(try (line("token minted", service)["trace_id"] != nil) == expected)
        }
    }
}

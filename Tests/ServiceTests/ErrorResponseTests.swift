import HTTP
import Testing
import TokenBroker

@testable import Service

struct ErrorResponseTests {
    /// The whole answer but what the connection adds.
    private func text(_ error: ErrorResponse) -> String {
        let response = error.response
        let fields = response.fields.all.map { "\($0.name): \($0.value)" }
        return ([response.status.description] + fields + [String(decoding: response.body, as: UTF8.self)])
            .joined(separator: "\n")
    }

    private static let head = "Content-Type: application/json\nCache-Control: no-store"

    @Test(arguments: [
        (
            BrokerError.accessDenied,
            "403\n\(head)\n" + #"{"error":"access_denied","error_description":"no grant for this"}"#
        ),
        (.unknownTenant, "404\n\(head)\n" + #"{"error":"unknown_tenant","error_description":"no such tenant"}"#),
        (
            .invalidScope,
            "400\n\(head)\n"
                + #"{"error":"invalid_scope","error_description":"a scope is not granted","tenant":"acme"}"#
        ),
        (
            .upstreamRejected,
            "502\n\(head)\n"
                + #"{"error":"upstream_rejected","error_description":"the vendor refused the credential","tenant":"acme"}"#
        ),
        (
            .upstreamUnavailable(retryAfter: .milliseconds(7001)),
            "503\n\(head)\nRetry-After: 8\n" + #"{"error":"upstream_unavailable","#
                + #""error_description":"the vendor is unavailable","retry_after":8,"tenant":"acme"}"#
        ),
        (
            .upstreamTimeout(retryAfter: .zero),
            "504\n\(head)\nRetry-After: 1\n" + #"{"error":"upstream_timeout","#
                + #""error_description":"the vendor did not answer in time","retry_after":1,"tenant":"acme"}"#
        ),
        (
            .budgetExhausted(retryAfter: .seconds(60)),
            "503\n\(head)\nRetry-After: 60\n" + #"{"error":"budget_exhausted","#
                + #""error_description":"no more tokens may be minted for now","retry_after":60,"tenant":"acme"}"#
        ),
        (
            .slowDown(retryAfter: .seconds(6)),
            "429\n\(head)\nRetry-After: 6\n" + #"{"error":"slow_down","#
                + #""error_description":"too many tokens reported as rejected","retry_after":6,"tenant":"acme"}"#
        ),
        (
            .revocationPending(retryAfter: .seconds(-3)),
            "503\n\(head)\nRetry-After: 1\n" + #"{"error":"upstream_unavailable","#
                + #""error_description":"dropped here; not yet revoked at the vendor","retry_after":1,"tenant":"acme"}"#
        ),
    ])
    func `every refusal of the broker, whole`(_ error: BrokerError, _ expected: String) {
        #expect(text(ErrorResponse(error, tenant: "acme")) == expected)
    }

    @Test(arguments: [
        (Status.badRequest, "invalid_request"), (.contentTooLarge, "content_too_large"),
        (.uriTooLong, "invalid_request"),
        (.requestHeaderFieldsTooLarge, "invalid_request"), (.requestTimeout, "invalid_request"),
    ])
    func `what never became a request has a code too`(_ status: Status, _ code: String) {
        #expect(
            text(ErrorResponse(refusing: status, "why"))
                == "\(status)\n\(Self.head)\n" + #"{"error":"\#(code)","error_description":"why"}"#)
    }

    @Test func `what the server has no room for may be tried again`() {
        #expect(
            text(ErrorResponse(refusing: .serviceUnavailable, "why"))
                == "503\n\(Self.head)\nRetry-After: 1\n"
                + #"{"error":"temporarily_unavailable","error_description":"why","retry_after":1}"#)
    }

    @Test func `challenge and Allow are fields`() {
        var error = ErrorResponse(.unauthorized, nil, "who are you?")
        error.challenge = "Basic"
        error.allow = "GET"
        #expect(
            text(error) == "401\n\(Self.head)\nWWW-Authenticate: Basic\nAllow: GET\n"
                + #"{"error_description":"who are you?"}"#)
    }
}

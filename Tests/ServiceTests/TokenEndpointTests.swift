import Foundation
import HTTP
import Testing

@testable import Service

/// `POST /tokens/{tenant}` against RFC 6749: §2.3.1 (client credentials), §3.2 (parameters), §5.2 (errors).
struct TokenEndpointTests {
    /// A token request as it is sent, and what it comes to.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var authorization: String?
        var contentType: [String]
        var query: String
        let form: String
        let status: Int
        var error: String?

        init(
            _ name: String, _ authorization: String? = basic(key), contentType: String..., query: String = "",
            form: String = grant, is status: Int, _ error: String? = nil
        ) {
            testDescription = name
            self.authorization = authorization
            self.contentType = contentType.isEmpty ? ["application/x-www-form-urlencoded"] : contentType
            self.query = query
            self.form = form
            self.status = status
            self.error = error
        }
    }

    private static let key = LoopbackService.key(of: "payroll")
    private static let grant = "grant_type=client_credentials"

    private static func basic(_ key: String, as name: String = "payroll") -> String {
        LoopbackService.basic(name, key)
    }

    /// Every character escaped, as a careful client may do it.
    private static func escaped(_ text: String, lower: Bool = false) -> String {
        text.utf8.map { byte in "%" + String(byte, radix: 16, uppercase: !lower) }.joined()
    }

    private static let clientAuthentication = [
        Case("Basic, raw", is: 200),
        Case("Basic, the scheme in lower case", "basic" + basic(key).dropFirst(5), is: 200),
        Case("Basic, form-encoded", basic(escaped(key), as: escaped("payroll")), is: 200),
        Case("Basic, form-encoded in lower case", basic(escaped(key, lower: true), as: escaped("payroll")), is: 200),
        Case("Basic, only what need not be", basic(key.replacing("_", with: "%5F")), is: 200),
        Case("Basic, encoded twice", basic(escaped(escaped(key))), is: 401, "invalid_client"),
        Case("Basic, a broken escape", basic(key + "%"), is: 401, "invalid_client"),
        Case("Basic, a plus", basic(key + "+"), is: 401, "invalid_client"),
        Case("Basic, a space", basic(key + " "), is: 401, "invalid_client"),
        Case("Basic, a colon in the name", basic(key, as: "payroll:"), is: 401, "invalid_client"),
        Case("Basic, a colon that is encoded", basic(key, as: "payroll%3A"), is: 401, "invalid_client"),
        Case("Basic, a wrong key", basic("tw_wrong"), is: 401, "invalid_client"),
        Case("Basic, an unknown client", basic(key, as: "nobody"), is: 401, "invalid_client"),
        Case("the body", nil, form: "\(grant)&client_id=payroll&client_secret=\(key)", is: 200),
        Case(
            "the body, encoded", nil, form: "\(grant)&client_id=\(escaped("payroll"))&client_secret=\(escaped(key))",
            is: 200),
        Case(
            "the body, a wrong key", nil, form: "\(grant)&client_id=payroll&client_secret=x", is: 401, "invalid_client"),
        Case("the body, no name", nil, form: "\(grant)&client_secret=\(key)", is: 401, "invalid_client"),
        Case("the body, no key", nil, form: "\(grant)&client_id=payroll", is: 401, "invalid_client"),
        Case(
            "the body, an empty key", nil, form: "\(grant)&client_id=payroll&client_secret=", is: 401, "invalid_client"),
        Case("none", nil, is: 401, "invalid_client"),
        Case("none, and no grant type", nil, form: "", is: 401, "invalid_client"),
        Case("the query", nil, query: "?client_id=payroll&client_secret=\(key)", is: 401, "invalid_client"),
        Case("another method", "Digest username=payroll", is: 401, "invalid_client"),
        Case("a bearer key", "Bearer \(key)", is: 200),
        Case("a wrong bearer key", "Bearer x", is: 401, "invalid_token"),
        Case("two methods", form: "\(grant)&client_id=payroll&client_secret=\(key)", is: 400, "invalid_request"),
        Case("Basic, and the same name in the body", form: "\(grant)&client_id=payroll", is: 200),
        Case("Basic, and another name in the body", form: "\(grant)&client_id=reports", is: 400, "invalid_request"),
    ]

    private static let parameters = [
        Case("no grant type", form: "", is: 400, "invalid_request"),
        Case("an empty grant type", form: "grant_type=", is: 400, "invalid_request"),
        Case("a grant type in the query", query: "?\(grant)", form: "", is: 400, "invalid_request"),
        Case("a grant type twice", form: "\(grant)&\(grant)", is: 400, "invalid_request"),
        Case("another grant type", form: "grant_type=refresh_token&refresh_token=x", is: 400, "unsupported_grant_type"),
        Case("a grant type with a space", form: "grant_type=client_credentials+", is: 400, "unsupported_grant_type"),
        Case("an encoded grant type", form: "grant%5Ftype=client%5Fcredentials", is: 200),
        Case("no scope", form: "\(grant)&scope=", is: 200),
        Case("a scope", form: "\(grant)&scope=read", is: 200),
        Case("two scopes", form: "\(grant)&scope=write+read%20read", is: 200),
        Case("scope twice", form: "\(grant)&scope=read&scope=read", is: 400, "invalid_request"),
        Case("a scope beyond the ceiling", form: "\(grant)&scope=admin", is: 400, "invalid_scope"),
        Case("a malformed scope", form: "\(grant)&scope=%22", is: 400, "invalid_scope"),
        Case("unknown parameters, repeated", form: "\(grant)&resource=a&resource=b&=&x", is: 200),
        Case("NUL", form: "\(grant)&x=%00", is: 400, "invalid_request"),
        Case("not UTF-8", form: "\(grant)&x=%FF", is: 400, "invalid_request"),
        Case("a broken escape", form: "\(grant)&x=%f", is: 400, "invalid_request"),
        Case("too many", form: grant + String(repeating: "&x=", count: 64), is: 400, "invalid_request"),
    ]

    private static let mediaTypes =
        [
            "application/x-www-form-urlencoded;charset=UTF-8", "application/x-www-form-urlencoded ; charset=utf-8",
            "Application/X-WWW-Form-URLEncoded", "application/x-www-form-urlencoded\t;charset=UTF-8",
        ].map { Case($0, contentType: $0, is: 200) }
        + ["application/json", "", "application/x-www-form-urlencoded2", "multipart/form-data"].map {
            Case("\"\($0)\"", contentType: $0, is: 415, "invalid_request")
        } + [
            Case(
                "the field twice", contentType: "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded", is: 415, "invalid_request")
        ]

    @Test(arguments: clientAuthentication + parameters + mediaTypes)
    func `a token request is answered as RFC 6749 has it`(_ sample: Case) async throws {
        try await LoopbackService.run { service in
            service.upstream.answer { _ in ScriptedUpstream.token("secret-token") }
            let authorization = sample.authorization.map { [("Authorization", $0)] as [(StaticString, String)] } ?? []
            let answer = try await service.send(
                .post, "/tokens/initech" + sample.query,
                authorization + sample.contentType.map { ("Content-Type", $0) },
                sample.form)
            #expect(answer.status == sample.status)
            #expect(answer.json?["error"]?.text == sample.error)
            #expect(answer[field: "Content-Type"] == "application/json")
            #expect(answer[field: "Cache-Control"] == "no-store")
            let challenge = answer[field: "WWW-Authenticate"] ?? ""
            #expect(challenge.contains("Basic realm=") == (sample.error == "invalid_client"))
            #expect(challenge.contains("Bearer realm=") == (sample.error == "invalid_token"))
            guard sample.status == 200 else {
                #expect(service.upstream.requests.isEmpty && !answer.whole.contains("secret-token"))
                let description = try #require(answer.json?["error_description"]?.text)
                #expect(description.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
                return
            }
            #expect(answer.token == "secret-token")
            #expect(answer[field: "Pragma"] == "no-cache")
        }
    }
}

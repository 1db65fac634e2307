import Crypto
import Foundation
import HTTP
import Testing
import TokenBroker

@testable import Service

/// A tenant's configuration, what the upstream must read, and what it answers.
struct DialectRow: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// YAML; `ORIGIN` stands for scheme, host and port.
    var settings: String
    /// The request line, and the fields between `Host` and `Content-Length`.
    var head: String
    /// nil for a request without one.
    var body: String?
    var answer: UpstreamExchange.Answer = .status(
        200, [], #"{"access_token":"t","token_type":"Bearer","expires_in":300}"#)
    var result: Result<MintedToken, MintFailure> = .success(
        MintedToken(token: Secret("t"), lifetime: .seconds(300)))

    var request: String {
        let lines = head.split(separator: "\n", maxSplits: 1)
        let length = body.map { "Content-Length: \($0.utf8.count)\n" } ?? ""
        return "\(lines[0])\nHost: upstream\n\(lines[1])\n\(length)\n\(body ?? "")"
    }
}

private let token: String = #"{"access_token":"t","token_type":"Bearer","expires_in":300}"#
private let secret: String = "p&s=+%:/ é"
private let client: String = "client_id: app 1, client_secret: {env: SECRET}"
private let form: String = "Accept: application/json\nContent-Type: application/x-www-form-urlencoded"
private let json: String = "Accept: application/json\nContent-Type: application/json"
private let inBody: String = "client_id=app+1&client_secret=p%26s%3D%2B%25%3A%2F+%C3%A9"
private let raw: String = "Authorization: " + BasicCredentials(user: "app 1", password: secret).field
private let encoded: String =
    "Authorization: " + BasicCredentials(user: "app+1", password: "p%26s%3D%2B%25%3A%2F+%C3%A9").field
private let grant: String = "grant_type=client_credentials"
private let plain: String = "POST /token HTTP/1.1\n\(encoded)\n\(form)"
private let malformed: Result<MintedToken, MintFailure> = .failure(.unavailable("malformed_answer"))
private let key: P256.Signing.PrivateKey = .init()

private func success(
    _ lifetime: Duration?, type: String = "Bearer", scopes: ScopeSet? = nil, members: [String: String] = [:]
) -> Result<MintedToken, MintFailure> {
    .success(
        MintedToken(
            token: Secret("t"), tokenType: type, lifetime: lifetime, scopes: scopes,
            members: members.mapValues { Secret($0) }))
}

/// A success answer with one more member.
private func handingOn(_ member: String) -> String {
    #"{"access_token":"t","token_type":"Bearer","expires_in":300,"instance_url":\#(member)}"#
}

private func oauth2(_ settings: String) -> String {
    "provider: oauth2, token_url: ORIGIN/token, \(settings)"
}

/// An answer of an upstream that is asked like any other.
private func answer(
    _ name: String, _ settings: String, _ answer: UpstreamExchange.Answer,
    _ result: Result<MintedToken, MintFailure>
) -> DialectRow {
    DialectRow(
        testDescription: name, settings: oauth2("\(client), \(settings)"), head: plain, body: grant, answer: answer,
        result: result)
}

private func answer(
    _ name: String, _ settings: String, _ body: String, _ result: Result<MintedToken, MintFailure>
) -> DialectRow {
    answer(name, settings, .status(200, ["Date: Sun, 22 Nov 2026 05:00:00 GMT"], body), result)
}

private func failure(
    _ name: String, _ settings: String, _ status: Int, _ body: String, _ failure: MintFailure
) -> DialectRow { answer(name, settings, .status(status, ["Retry-After: 7"], body), .failure(failure)) }

/// The vendors' dialects, each as an operator configures it: the exact bytes that go out, and what is made of the answer.
struct UpstreamDialectTests {
    private func load(_ settings: String, at origin: String) throws -> Tenant {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(settings.replacing("ORIGIN", with: origin))}\n")
        try folder.write("key.pem", key.pemRepresentation)
        return try #require(try folder.load(environment: ["SECRET": secret]).tenants.first)
    }

    private func expectOutcome(of row: DialectRow) async throws {
        let exchange = try await UpstreamExchange.mint({ try load(row.settings, at: $0) }, answer: row.answer)
        #expect(exchange.request == row.request)
        #expect(exchange.result == row.result)
    }

    // MARK: - The built-in values

    @Test(arguments: [
        DialectRow(
            testDescription: "pageup",
            settings: "provider: pageup, token_url: ORIGIN/connect/token, \(client), scopes: [B.Read, A.Write]",
            head: "POST /connect/token HTTP/1.1\n\(form)", body: "\(grant)&scope=A.Write+B.Read&\(inBody)",
            answer: .status(200, [], #"{"access_token":"t","expires_in":300,"token_type":"Bearer","scope":"A.Write"}"#),
            result: success(.seconds(300), scopes: ScopeSet(["A.Write"]))),
        DialectRow(
            testDescription: "pageup as the generic provider",
            settings:
                "provider: oauth2, token_url: ORIGIN/connect/token, client_auth: body, \(client), scopes: [B.Read, A.Write]",
            head: "POST /connect/token HTTP/1.1\n\(form)", body: "\(grant)&scope=A.Write+B.Read&\(inBody)"),
        DialectRow(
            testDescription: "ukg",
            settings:
                "provider: ukg, base_url: ORIGIN, application_id: app 1, application_secret: {env: SECRET}, client_id: 007",
            head: "POST /api/v2/client/tokens HTTP/1.1\n\(raw)\n\(form)", body: "\(grant)&scope=client&client_id=007",
            answer: .status(200, [], #"{"token_type":"bearer","access_token":"t","expires_in":8640000}"#),
            result: success(.seconds(8_640_000))),
        DialectRow(
            testDescription: "6: ukg as the generic provider, with two ids",
            settings: "provider: oauth2, token_url: ORIGIN/api/v2/client/tokens, client_auth: basic_raw, \(client), "
                + "parameters: {client_id: 007}, scopes: [client]",
            head: "POST /api/v2/client/tokens HTTP/1.1\n\(raw)\n\(form)", body: "\(grant)&scope=client&client_id=007"),
        DialectRow(
            testDescription: "ukg's wrong region",
            settings:
                "provider: ukg, base_url: ORIGIN, application_id: app 1, application_secret: {env: SECRET}, client_id: 007",
            head: "POST /api/v2/client/tokens HTTP/1.1\n\(raw)\n\(form)", body: "\(grant)&scope=client&client_id=007",
            answer: .status(401, [], #"{"error":"invalid_client"}"#), result: .failure(.rejected("invalid_client"))),
    ])
    func `a built-in provider`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    // MARK: - The client

    @Test(arguments: [
        DialectRow(
            testDescription: "1, 7: Basic, form-encoded", settings: oauth2("client_auth: basic, \(client)"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)", body: grant),
        DialectRow(
            testDescription: "1, 7: Basic, raw", settings: oauth2("client_auth: basic_raw, \(client)"),
            head: "POST /token HTTP/1.1\n\(raw)\n\(form)", body: grant),
        DialectRow(
            testDescription: "2: the body", settings: oauth2("client_auth: body, \(client)"),
            head: "POST /token HTTP/1.1\n\(form)", body: "\(grant)&\(inBody)"),
        DialectRow(
            testDescription: "5: other names, in JSON (ZoomInfo)",
            settings: oauth2(
                "client_auth: body, client_id_name: username, client_secret_name: password, \(client), body: json, "
                    + "grant_type: none, answer: {access_token: jwt}, token_type: Bearer, fixed_lifetime: 1h"),
            head: "POST /token HTTP/1.1\n\(json)", body: #"{"username":"app 1","password":"p&s=+%:/ é"}"#,
            answer: .status(200, [], #"{"jwt":"t"}"#), result: success(.seconds(3600))),
        DialectRow(
            testDescription: "header fields",
            settings: oauth2(
                "client_auth: header, client_id_name: X-Client-Id, client_secret_name: X-Client-Secret, "
                    + "client_id: app 1, client_secret: {file: secret}"),
            head: "POST /token HTTP/1.1\nX-Client-Id: app 1\nX-Client-Secret: s3cret-in-a-file\n\(form)", body: grant),
    ])
    func `a way to prove the client`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    /// What a form's parameter says.
    private func parameter(_ name: String, of request: String) throws -> String {
        let body = try #require(request.split(separator: "\n\n").last)
        return try #require(try FormBody(parsing: body.utf8).pairs.first { $0.name == name }).value
    }

    private func decoded(_ base64URL: Substring) throws -> JSONValue {
        let base64 = base64URL.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        return try JSONDecoder().decode(JSONValue.self, from: try #require(Data(base64Encoded: base64 + padding)))
    }

    private func signature(_ base64URL: Substring) throws -> P256.Signing.ECDSASignature {
        let base64 = base64URL.replacing("-", with: "+").replacing("_", with: "/")
        return try .init(rawRepresentation: try #require(Data(base64Encoded: base64 + "==")))
    }

    @Test(arguments: [
        ("", "ORIGIN/token", JSONValue?.none),
        (", assertion_audience: 'https://issuer.example/'", "https://issuer.example/", nil),
        (", client_key_id: k1", "ORIGIN/token", .string("k1")),
    ])
    func `3: a private key signs a JWT, for the token URL or another audience`(
        _ settings: String, _ audience: String, _ keyID: JSONValue?
    ) async throws {
        let now = Int(Date().timeIntervalSince1970)
        var origin = ""
        let exchange = try await UpstreamExchange.mint(
            {
                origin = $0
                return try load(
                    oauth2("client_auth: private_key_jwt, client_id: app 1, client_key: key.pem\(settings)"),
                    at: $0)
            }, answer: .status(200, [], token))
        #expect(exchange.result == success(.seconds(300)))
        #expect(exchange.request.contains("\n\(form)\nContent-Length: "))
        let assertion = try parameter("client_assertion", of: exchange.request)
        let type = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        #expect(
            exchange.request.hasSuffix(
                "\n\n\(grant)&client_assertion_type=\(type)&client_assertion=\(assertion)"))
        let parts = assertion.split(separator: ".")
        try #require(parts.count == 3)
        let header = try decoded(parts[0])
        #expect(header["alg"] == .string("ES256") && header["typ"] == .string("JWT") && header["kid"] == keyID)
        let claims = try decoded(parts[1])
        #expect(claims["iss"] == .string("app 1") && claims["sub"] == .string("app 1"))
        #expect(claims["aud"] == .string(audience.replacing("ORIGIN", with: origin)))
        let issued = try #require(claims["iat"]?.integer)
        #expect((now...now + 60).contains(issued) && claims["exp"]?.integer == issued + 120)
        #expect(claims["jti"]?.text?.utf8.count == 22)
        #expect(key.publicKey.isValidSignature(try signature(parts[2]), for: Data("\(parts[0]).\(parts[1])".utf8)))
    }

    @Test func `3: no assertion is made twice`() throws {
        let tenant = try load(
            oauth2("client_auth: private_key_jwt, client_id: a, client_key: key.pem"), at: "https://a.example")
        let first = try ClientAssertion(tenant, now: 1)
        let second = try ClientAssertion(tenant, now: 1)
        #expect(first.text.split(separator: ".")[1] != second.text.split(separator: ".")[1])
    }

    @Test func `4: a certificate proves the id, or goes with a secret`() async throws {
        var tenant = UpstreamExchange.initech("https://a.example")
        tenant.provider.clientAuthentication = .tls
        tenant.provider.clientIDName = "account"
        let alone = try UpstreamRequest.token(tenant, scopes: .empty, now: 0)
        #expect(String(decoding: alone.body, as: UTF8.self) == "\(grant)&account=tokenwell")
        #expect(alone.fields["Authorization"] == nil)
    }

    // MARK: - The request

    @Test(arguments: [
        DialectRow(
            testDescription: "9, 13: a JSON body with an audience (Auth0)",
            settings: oauth2("client_auth: body, body: json, \(client), parameters: {audience: \"https://api/\"}"),
            head: "POST /token HTTP/1.1\n\(json)",
            body:
                #"{"grant_type":"client_credentials","audience":"https://api/","client_id":"app 1","client_secret":"p&s=+%:/ é"}"#
        ),
        DialectRow(
            testDescription: "9: a JSON body beside Basic, with a list",
            settings: oauth2("body: json, \(client), parameters: {resource: [a, b]}, scopes: [y, x]"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(json)",
            body: #"{"grant_type":"client_credentials","scope":"x y","resource":["a","b"]}"#),
        DialectRow(
            testDescription: "10: parameters in the query (KnoCommerce)", settings: oauth2("body: query, \(client)"),
            head: "POST /token?grant_type=client_credentials HTTP/1.1\n\(encoded)\nAccept: application/json", body: ""),
        DialectRow(
            testDescription: "10: beside those of the URL",
            settings: "provider: oauth2, token_url: \"ORIGIN/token?v=1\", body: query, \(client), scopes: [a b]"
                .replacing("a b", with: "a, b"),
            head:
                "POST /token?v=1&grant_type=client_credentials&scope=a+b HTTP/1.1\n\(encoded)\nAccept: application/json",
            body: ""),
        DialectRow(
            testDescription: "11: GET (DocuWare)", settings: oauth2("method: get, client_auth: body, \(client)"),
            head: "GET /token?\(grant)&\(inBody) HTTP/1.1\nAccept: application/json"),
        DialectRow(
            testDescription: "12: another grant type (Zoom)",
            settings: oauth2("grant_type: account_credentials, \(client), parameters: {account_id: 7}"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)", body: "grant_type=account_credentials&account_id=7"),
        DialectRow(
            testDescription: "12: a password among the parameters (Acumatica)",
            settings: oauth2(
                "client_auth: body, \(client), grant_type: password, parameters: {username: u, password: {file: secret}}"
            ),
            head: "POST /token HTTP/1.1\n\(form)",
            body: "grant_type=password&username=u&password=s3cret-in-a-file&\(inBody)"),
        DialectRow(
            testDescription: "12: no grant type (Personio)",
            settings: oauth2("grant_type: none, client_auth: body, \(client)"),
            head: "POST /token HTTP/1.1\n\(form)", body: inBody),
        DialectRow(
            testDescription: "14: a resource (Dynatrace)",
            settings: oauth2("client_auth: body, \(client), parameters: {resource: \"urn:dtaccount:1\"}"),
            head: "POST /token HTTP/1.1\n\(form)", body: "\(grant)&resource=urn%3Adtaccount%3A1&\(inBody)"),
        DialectRow(
            testDescription: "14, 15: repeated and further parameters, in their order",
            settings: oauth2("\(client), parameters: {resource: [\"urn:b\", \"urn:a\"], organization: o, sub: s}"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)",
            body: "\(grant)&resource=urn%3Ab&resource=urn%3Aa&organization=o&sub=s"),
        DialectRow(
            testDescription: "16: a fixed scope (Sophos)", settings: oauth2("\(client), scopes: [token]"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)", body: "\(grant)&scope=token"),
        DialectRow(
            testDescription: "16: a derived scope (Azure AD)",
            settings: oauth2("\(client), scopes: [\"https://graph/.default\"]"),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)", body: "\(grant)&scope=https%3A%2F%2Fgraph%2F.default"),
        DialectRow(
            testDescription: "17: a comma between scopes (Adobe), both ways",
            settings: oauth2("\(client), scopes: [b, a], scope_separator: \",\""),
            head: "POST /token HTTP/1.1\n\(encoded)\n\(form)", body: "\(grant)&scope=a%2Cb",
            answer: .status(200, [], #"{"access_token":"t","token_type":"Bearer","expires_in":300,"scope":"b,a"}"#),
            result: success(.seconds(300), scopes: ScopeSet(["a", "b"]))),
        DialectRow(
            testDescription: "18: further header fields, one of them secret (Thomson Reuters)",
            settings: oauth2("\(client), headers: {X-Region: [eu, us], X-Api-Key: {file: secret}}"),
            head: "POST /token HTTP/1.1\n\(encoded)\nAccept: application/json\nX-Region: eu\nX-Region: us\n"
                + "X-Api-Key: s3cret-in-a-file\nContent-Type: application/x-www-form-urlencoded", body: grant),
        DialectRow(
            testDescription: "18: another Accept (UKG Pro)", settings: oauth2("\(client), headers: {accept: \"*/*\"}"),
            head: "POST /token HTTP/1.1\n\(encoded)\naccept: */*\nContent-Type: application/x-www-form-urlencoded",
            body: grant),
    ])
    func `an odd request`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    @Test func `19: URLs are made from what an operator knows`() throws {
        let pageUp = try load(
            "provider: pageup, environment: live, data_center: dc2, \(client), scopes: [a]", at: "")
        #expect(pageUp.provider.tokenURL == "https://login.dc2.pageuppeople.com/connect/token")
        let ukg = try load(
            "provider: ukg, region: atl, application_id: a, application_secret: {env: SECRET}, client_id: c", at: "")
        #expect(ukg.provider.tokenURL == "https://apis.hrsd.ultipro.com/api/v2/client/tokens")
    }

    // MARK: - The answer

    @Test(arguments: [
        answer(
            "20: a string (PayPal)", "scopes: []", #"{"access_token":"t","token_type":"Bearer","expires_in":"2700"}"#,
            success(.seconds(2700))),
        answer(
            "21: milliseconds (Fiserv)", "answer: {expires_in_unit: milliseconds}",
            #"{"access_token":"t","token_type":"Bearer","expires_in":900000}"#, success(.seconds(900))),
        answer(
            "22: missing (Salesforce)", "default_lifetime: 15m", #"{"access_token":"t","token_type":"Bearer"}"#,
            success(nil)),
        answer(
            "23: fixed (3CX)", "fixed_lifetime: 1h", #"{"access_token":"t","token_type":"Bearer","expires_in":60}"#,
            success(.seconds(3600))),
        answer(
            "23: fixed, and nonsense in its place", "fixed_lifetime: 1h",
            #"{"access_token":"t","token_type":"Bearer","expires_in":"?"}"#, success(.seconds(3600))),
        answer(
            "24: an instant in seconds", "answer: {expires_in: expires_at, expires_in_unit: unix_seconds}",
            #"{"access_token":"t","token_type":"Bearer","expires_at":1795324200}"#, success(.seconds(600))),
        answer(
            "24: an instant in milliseconds (Perimeter81)",
            "answer: {access_token: data.accessToken, expires_in: data.accessTokenExpire, expires_in_unit: unix_milliseconds}, token_type: Bearer",
            #"{"data":{"accessToken":"t","accessTokenExpire":1795324200000}}"#, success(.seconds(600))),
        answer(
            "24: an instant as a date (Jamf)",
            "answer: {access_token: token, expires_in: expires, expires_in_unit: date_time}, token_type: Bearer",
            #"{"token":"t","expires":"2026-11-22T05:10:00.123Z"}"#, success(.seconds(600))),
        answer(
            "24: an instant gone by", "answer: {expires_in: expires_at, expires_in_unit: unix_seconds}",
            #"{"access_token":"t","token_type":"Bearer","expires_at":1795323590}"#, success(.seconds(-10))),
        answer(
            "24: a date that is none", "answer: {expires_in_unit: date_time}",
            #"{"access_token":"t","token_type":"Bearer","expires_in":"tomorrow"}"#, malformed),
    ])
    func `an odd lifetime`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    @Test(arguments: [
        answer(
            "25: nested (Setmore)",
            "answer: {access_token: data.token.access_token, token_type: data.token.token_type, expires_in: data.token.expires_in}",
            #"{"data":{"token":{"access_token":"t","token_type":"bearer","expires_in":60}}}"#, success(.seconds(60))),
        answer(
            "25: renamed, in capitals (OFSLL)",
            "answer: {access_token: AuthResponse.Token, expires_in: AuthResponse.Expires_in}, token_type: Bearer",
            #"{"AuthResponse":{"Token":"t","Expires_in":60}}"#, success(.seconds(60))),
        answer(
            "25: not where it should be", "answer: {access_token: data.token}", token,
            .failure(.unavailable("malformed_token"))),
        answer(
            "25: no object on the way", "answer: {access_token: data.token}", #"{"data":[{"token":"t"}]}"#,
            .failure(.unavailable("malformed_token"))),
        answer(
            "25: a renamed scope", "answer: {scope: granted}", #"{"granted":"a",\#(token.dropFirst())"#,
            success(.seconds(300), scopes: ScopeSet(["a"]))),
        answer(
            "26: the bare token (JobDiva)", "answer: {format: token}, fixed_lifetime: 10m", "t\r\n",
            success(.seconds(600))),
        answer("26: HTML instead", "answer: {format: token}", "<html>", malformed),
        answer("26: a sentence instead", "answer: {format: token}", "try again later", malformed),
        answer(
            "26: an error in JSON instead", "answer: {format: token}", #"{"error":"slow_down"}"#,
            .failure(.unavailable("error_in_success"))),
        answer(
            "26: JSON without a token in it", "answer: {format: token}", #"{"x":"t"}"#,
            .failure(.unavailable("malformed_token"))),
        answer(
            "27: a form", "answer: {format: form}", "access_token=t&token_type=bearer&expires_in=60&scope=a+b",
            success(.seconds(60), scopes: ScopeSet(["a", "b"]))),
        answer("27: JSON after all", "answer: {format: form}", token, success(.seconds(300))),
        answer(
            "27: an error in a form (GitHub)", "answer: {format: form}",
            "error=incorrect_client_credentials&error_description=x", .failure(.unavailable("error_in_success"))),
        answer(
            "27: a repeated name", "answer: {format: form}", "access_token=t&access_token=u&token_type=bearer",
            malformed),
        answer("27: a bad escape", "answer: {format: form}", "access_token=%zz&token_type=bearer", malformed),
        answer(
            "token_type BearerToken, meant as Bearer (Apigee)", "token_type: Bearer",
            token.replacing("Bearer", with: "BearerToken"), success(.seconds(300))),
        answer("another scheme", "token_type: MAC", token, success(.seconds(300), type: "MAC")),
        answer("no token_type", "token_type: Bearer", #"{"access_token":"t"}"#, success(nil)),
    ])
    func `an odd success`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    @Test(arguments: [
        failure(
            "28: in a 200", "scopes: []", 200, #"{"error":"x"}"#,
            .unavailable("error_in_success", retryAfter: .seconds(7))),
        failure(
            "28: in a 200, by a number (WeChat)", "answer: {error: errcode}, failures: {\"40125\": rejected}", 200,
            #"{"errcode":40125}"#, .rejected("40125")),
        failure(
            "28: the number of no error", "answer: {error: errcode}", 500, #"{"errcode":0}"#,
            .unavailable("http_500", retryAfter: .seconds(7))),
        failure(
            "29: 400 for a wrong secret (IdentityServer)", "scopes: []", 400, #"{"error":"invalid_client"}"#,
            .rejected("invalid_client")),
        failure(
            "29: 403 for too many requests (Paylocity)", "failures: {http_403: throttled}", 403, "",
            .throttled(retryAfter: .seconds(7))),
        failure(
            "29: 403 with a code that says more", "failures: {http_403: throttled}", 403,
            #"{"error":"invalid_client"}"#, .rejected("invalid_client")),
        failure("29: 404 for an unknown client", "failures: {http_404: rejected}", 404, "", .rejected("http_404")),
        failure(
            "30: a code of its own (Zoho)", "failures: {Access Denied: throttled}", 400,
            #"{"error":"Access Denied","error_description":"s3cret"}"#,
            .throttled(retryAfter: .seconds(7))),
        failure(
            "30: a standard code with another meaning", "failures: {invalid_scope: unavailable}", 400,
            #"{"error":"invalid_scope"}"#, .unavailable("invalid_scope", retryAfter: .seconds(7))),
        failure(
            "a renamed error", "answer: {error: fault.code}", 400, #"{"fault":{"code":"invalid_client"}}"#,
            .rejected("invalid_client")),
    ])
    func `an odd failure`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    private static let handedOn = "answer: {members: [instance_url, id]}"

    @Test(arguments: [
        answer(
            "34: what is named and there (Salesforce)", handedOn, handingOn(#""https://a.my.salesforce.com","x":"y""#),
            success(.seconds(300), members: ["instance_url": "https://a.my.salesforce.com"])),
        answer("34: what nobody named", "scopes: []", handingOn(#""https://a""#), success(.seconds(300))),
        answer("34: null", handedOn, handingOn("null"), success(.seconds(300))),
        answer("34: none of them", handedOn, token, success(.seconds(300))),
        answer(
            "34: of a form", "answer: {format: form, members: [instance_url]}",
            "access_token=t&token_type=Bearer&expires_in=300&instance_url=https%3A%2F%2Fa",
            success(.seconds(300), members: ["instance_url": "https://a"])),
        answer(
            "34: the longest", handedOn, handingOn("\"\(String(repeating: "x", count: 2048))\""),
            success(.seconds(300), members: ["instance_url": String(repeating: "x", count: 2048)])),
        answer(
            "34: too long", handedOn, handingOn("\"\(String(repeating: "x", count: 2049))\""),
            .failure(.unavailable("malformed_member"))),
        answer("34: no text", handedOn, handingOn("7"), .failure(.unavailable("malformed_member"))),
        answer(
            "34: a control character", handedOn, handingOn(#""a\u000Ab""#),
            .failure(.unavailable("malformed_member"))),
        answer(
            "34: beyond ASCII", handedOn, handingOn(#""\u202Ea""#), .failure(.unavailable("malformed_member"))),
    ])
    func `an answer to hand on`(_ row: DialectRow) async throws { try await expectOutcome(of: row) }

    @Test func `33: 429 without Retry-After (UKG Pro)`() async throws {
        let row = answer("", "scopes: []", .status(429), .failure(.throttled(retryAfter: nil)))
        try await expectOutcome(of: row)
    }

    @Test func `a date in Retry-After is held against the upstream's own clock`() async throws {
        let fields = ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT"]
        let row = answer("", "scopes: []", .status(429, fields), .failure(.throttled(retryAfter: .seconds(30))))
        try await expectOutcome(of: row)
    }

    // MARK: - Revocation

    @Test(arguments: [
        DialectRow(
            testDescription: "35: ukg",
            settings:
                "provider: ukg, base_url: ORIGIN, application_id: app 1, application_secret: {env: SECRET}, client_id: 007",
            head: "POST /api/v2/client/revoke_token HTTP/1.1\n\(raw)\n\(form)", body: "token=a.b%2Bc%2F%3D",
            answer: .status(204)),
        DialectRow(
            testDescription: "35: RFC 7009, as tokens are asked for",
            settings: oauth2("revocation_url: ORIGIN/revoke, \(client), parameters: {audience: x}, body: json"),
            head: "POST /revoke HTTP/1.1\n\(encoded)\n\(form)", body: "token=a.b%2Bc%2F%3D", answer: .status(200)),
        DialectRow(
            testDescription: "35: the body, beside Basic (PlanetScale)",
            settings: oauth2("revocation_url: ORIGIN/revoke, revocation_auth: body, \(client)"),
            head: "POST /revoke HTTP/1.1\n\(form)", body: "token=a.b%2Bc%2F%3D&\(inBody)",
            answer: .status(200, [], "{}")),
        DialectRow(
            testDescription: "35: an error all the same",
            settings: oauth2(
                "revocation_url: ORIGIN/revoke, \(client), answer: {error: fault}, failures: {nope: rejected}"),
            head: "POST /revoke HTTP/1.1\n\(encoded)\n\(form)", body: "token=a.b%2Bc%2F%3D",
            answer: .status(200, [], #"{"fault":"nope"}"#), result: .failure(.rejected("nope"))),
    ])
    func `a way to revoke`(_ row: DialectRow) async throws {
        let exchange = try await UpstreamExchange.revoke({ try load(row.settings, at: $0) }, answer: row.answer)
        #expect(exchange.request == row.request)
        switch (exchange.result, row.result) {
        case (.success, .success): break
        case (.failure(let failure), .failure(let expected)): #expect(failure == expected)
        default: Issue.record("\(exchange.result)")
        }
    }

    @Test func `35: pageup has none`() throws {
        let tenant = try load(
            "provider: pageup, token_url: ORIGIN/t, \(client), scopes: [a]", at: "https://a.example")
        #expect(throws: MintFailure.rejected("no_revocation")) {
            try UpstreamRequest.revocation(of: Secret("t"), tenant, now: 0)
        }
    }

    // MARK: - The documentation

    @Test func `the README has every key`() throws {
        let readme = String(decoding: try RepositoryFile.read("README.md"), as: UTF8.self)
        for authentication in ["body", "private_key_jwt"] {
            let folder = try ConfigurationFolder(
                "tenants:\n  acme: {\(oauth2("client_auth: \(authentication), qqqqqqqqqq: 1, answer: {qqqqqqqqqq: 1}"))}\n"
            )
            let keys = folder.mistakes().filter { $0.contains("qqqqqqqqqq") }.flatMap { line in
                line.split(separator: "use one of ")[1].split(separator: ", ")
            }
            #expect(keys.count > 20)
            for key in keys {
                #expect(readme.contains("`\(key)`") || readme.contains(" \(key):") || readme.contains(".\(key)`"))
            }
        }
    }

    @Test func `the README's sample is one`() throws {
        let readme = String(decoding: try RepositoryFile.read("README.md"), as: UTF8.self)
        let start = try #require(readme.range(of: "tenants:\n  hooli:"))
        let sample = readme[start.lowerBound...].prefix { $0 != "`" }
        let folder = try ConfigurationFolder(String(sample).replacing("/run/secrets/hooli", with: "secret"))
        let tenant = try #require(try folder.load(environment: ["HOOLI_API_KEY": secret]).tenants.first)
        #expect(tenant.provider.answer.expiresInUnit == .unixMilliseconds && tenant.provider.failures.count == 2)
    }
}

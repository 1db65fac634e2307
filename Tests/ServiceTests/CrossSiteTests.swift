import HTTP
import Testing

@testable import Service

/// What another site's page may have a browser send.
struct CrossSiteTests {
    private static let basic = LoopbackService.basic("ops", LoopbackService.key(of: "ops"))
    private static let bearer = "Bearer " + LoopbackService.key(of: "ops")

    @Test(
        arguments: [
            ([], false), ([("Sec-Fetch-Site", "same-origin")], false), ([("Sec-Fetch-Site", "none")], false),
            ([("Sec-Fetch-Site", "cross-site")], true), ([("Sec-Fetch-Site", "same-site")], true),
            ([("Sec-Fetch-Site", "")], true), ([("Sec-Fetch-Site", "Same-Origin")], true),
            ([("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")], true),
            ([("Origin", "https://tokens.example")], false), ([("Origin", "https://TOKENS.example")], false),
            ([("Origin", "https://tokens.example:8443")], true), ([("Origin", "https://other.example")], true),
            ([("Origin", "https://tokens.example.other.example")], true), ([("Origin", "null")], true),
            ([("Origin", "")], true),
            ([("Origin", "https://tokens.example"), ("Origin", "https://other.example")], true),
            ([("Origin", "https://tokens.example"), ("Origin", "https://tokens.example")], true),
            // The browser knows better than a proxy that changes `Host`.
            ([("Sec-Fetch-Site", "same-origin"), ("Origin", "https://public.example")], false),
        ] as [([(StaticString, String)], Bool)])
    func `a browser's own credentials count only where its page is ours`(
        _ fields: [(StaticString, String)], _ isForged: Bool
    ) {
        for (credentials, isItself) in [(Self.basic, true), ("basic x", true), (Self.bearer, false)] {
            var request = Request(method: .post, target: Target(segments: ["revoke"]))
            request.fields.append("Host", "tokens.example")
            request.fields.append("Authorization", credentials)
            for (name, value) in fields { request.fields.append(name, value) }
            #expect(CrossSite.isForged(request) == (isForged && isItself))
        }
    }

    @Test func `what has no credentials of a browser's own is another's to judge`() {
        var request = Request(method: .post, target: Target(segments: ["revoke"]))
        request.fields.append("Sec-Fetch-Site", "cross-site")
        #expect(!CrossSite.isForged(request))
    }

    @Test func `no other site's page has an operator refresh, revoke or reject`() async throws {
        let cross: [(StaticString, String)] = [("Authorization", Self.basic), ("Sec-Fetch-Site", "cross-site")]
        try await LoopbackService.run { service in
            for (path, form) in [
                ("/tenants/acme/refresh", ""), ("/tenants/acme/revoke", ""), ("/revoke", "token=x"),
                ("/tokens/acme/rejected", "token=x"), ("/tokens/acme", "grant_type=client_credentials"),
            ] {
                let answer = try await service.post(path, form, cross)
                #expect(answer.status == 403)
                #expect(answer.json?["error"]?.text == "access_denied")
            }
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)
            // Reading is safe, as the browser shows the answer to nobody.
            #expect(try await service.get("/tenants", cross).status == 200)
            let ours: [(StaticString, String)] = [("Authorization", Self.basic), ("Sec-Fetch-Site", "same-origin")]
            #expect(try await service.post("/tenants/acme/refresh", "", ours).status == 200)
        }
    }

    @Test func `two origins are one too many`() async throws {
        try await LoopbackService.run { service throws in
            let once: [(StaticString, String)] = [("Authorization", Self.basic), ("Origin", service.url)]
            #expect(try await service.post("/tenants/acme/refresh", "", once).status == 200)
            #expect(try await service.post("/tenants/acme/refresh", "", once + [("Origin", service.url)]).status == 403)
        }
    }

    @Test func `a certificate is a browser's own too`() async throws {
        try await LoopbackService.run(proof: .certificate) { service throws in
            let fields: [(StaticString, String)] = [("Origin", "https://other.example")]
            #expect(try await service.post("/tenants/acme/refresh", as: "ops", fields).status == 403)
            #expect(try await service.post("/tenants/acme/refresh", as: "ops").status == 200)
        }
    }

    @Test func `a proxy's clients may be at any site`() async throws {
        try await LoopbackService.run { service in
            let basic = LoopbackService.basic("payroll", LoopbackService.key(of: "payroll"))
            let answer = try await service.post(
                "/auth/acme/orders", "", [("Authorization", basic), ("Sec-Fetch-Site", "cross-site")])
            #expect(answer.status == 200)
        }
    }
}

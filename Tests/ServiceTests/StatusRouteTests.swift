import Foundation
import HTTP
import Testing
import TokenBroker

@testable import Service

/// The operators' page, from end to end; `Tests/Browser` looks at it with a browser.
struct StatusRouteTests {
    @Test func `an operator gets the page, by key or by name and key`() async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get("/status", as: "ops")
            #expect(answer.status == 200)
            #expect(answer.text.hasPrefix("<!doctype html>"))
            #expect(answer.text.hasSuffix("</html>\n"))
            #expect(!answer.text.contains("{{"))
            #expect(answer[field: "Content-Type"] == "text/html; charset=utf-8")
            #expect(answer[field: "X-Content-Type-Options"] == "nosniff")
            #expect(answer[field: "Referrer-Policy"] == "no-referrer")
            #expect(answer[field: "Cache-Control"] == "private, no-cache")
            let basic = LoopbackService.basic("ops", LoopbackService.key(of: "ops"))
            let other = try await service.get("/status", [("Authorization", basic)])
            #expect(other.text == answer.text)
        }
    }

    @Test func `a browser is asked for name and key, and nobody else is let in`() async throws {
        try await LoopbackService.run { service in
            let challenge = #"Basic realm="tokenwell", charset="UTF-8""#
            let none = try await service.get("/status")
            #expect(none.status == 401)
            #expect(none[field: "WWW-Authenticate"] == challenge)
            for wrong in ["Basic \(Data("ops:tw_wrong".utf8).base64EncodedString())", "Bearer wrong"] {
                let answer = try await service.get("/status", [("Authorization", wrong)])
                #expect(answer.status == 401)
                #expect(answer[field: "WWW-Authenticate"] == challenge)
            }
            for caller in ["payroll", "root", "idle"] {
                let answer = try await service.get("/status", as: caller)
                #expect(answer.status == 403)
                #expect(!answer.text.contains("html"))
            }
        }
    }

    /// The text of an element, as a browser hashes it.
    private func content(_ name: String, of page: String) throws -> Substring {
        let start = try #require(page.firstRange(of: "<\(name)>")).upperBound
        return page[start..<(try #require(page[start...].firstRange(of: "</\(name)>"))).lowerBound]
    }

    @Test func `the policy allows its own script and style, and its own origin alone`() async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get("/status", as: "ops")
            let policy = try #require(answer[field: "Content-Security-Policy"])
            let rules = policy.split(separator: "; ")
            for (name, rule) in [("script", "script-src"), ("style", "style-src")] {
                let hash = KeyDigest.base64(try content(name, of: answer.text))
                #expect(rules.contains("\(rule) 'sha256-\(hash)'"))
            }
            for rule in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
                #expect(rules.contains(Substring(rule)))
            }
            #expect(!policy.contains("unsafe"))
            #expect(answer.text.ranges(of: "<script").count == 1)
            for place in answer.text.ranges(of: "http") {
                #expect(answer.text[place.lowerBound...].hasPrefix("http://www.w3.org/"))
            }
        }
    }

    @Test func `it comes compressed for whoever takes that`() async throws {
        let operators = [Caller(name: "ops", keys: [KeyDigest(of: "k")], grant: Grant(tenants: [], isOperator: true))]
        var request = Request(method: .get, target: Target(segments: ["status"]))
        request.fields.append("Authorization", "Bearer k")
        let route = StatusRoute(authentication: Authentication(operators))
        let plain = try await route.get(request, "").response
        request.fields.append("Accept-Encoding", "gzip")
        let compressed = try await route.get(request, "").response
        #expect(compressed.fields["Content-Encoding"] == "gzip")
        #expect(compressed.body.count < plain.body.count / 2)
        #expect(compressed.fields["ETag"] == plain.fields["ETag"])
    }

    @Test func `who has the page is sent no other`() async throws {
        try await LoopbackService.run { service in
            let plain = try await service.get("/status", as: "ops")
            let tag = try #require(plain[field: "ETag"])
            let known = try await service.get("/status", as: "ops", [("If-None-Match", tag)])
            #expect(known.status == 304)
            #expect(known.response.body.isEmpty)
            #expect(known[field: "Content-Security-Policy"] == plain[field: "Content-Security-Policy"])
            #expect(try await service.get("/status", as: "ops", [("If-None-Match", "\"0\"")]).status == 200)
            #expect(try await service.get("/status", [("If-None-Match", tag)]).status == 401)
            #expect(
                try await service.get("/status", as: "ops", [("Accept-Encoding", "identity;q=0, gzip;q=0")]).status
                    == 406)
        }
    }
}

extension KeyDigest {
    /// The SHA-256 of a text, in base64.
    fileprivate static func base64(_ text: Substring) -> String {
        let hex = KeyDigest(of: String(text)).description.suffix(64)
        let digits = Array(hex)
        let bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        return Data(bytes).base64EncodedString()
    }
}

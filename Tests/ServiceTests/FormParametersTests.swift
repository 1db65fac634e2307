import HTTP
import Testing

@testable import Service

struct FormParametersTests {
    private func refusal(_ work: () throws(ErrorResponse) -> Void) -> ErrorResponse? {
        do throws(ErrorResponse) {
            try work()
            return nil
        } catch {
            return error
        }
    }

    private func request(type: String..., body: String = "") -> Request {
        var request = Request(method: .post, target: Target(segments: ["revoke"]), body: Array(body.utf8))
        for type in type { request.fields.append("Content-Type", type) }
        return request
    }

    @Test(
        arguments: [
            ("scope=a", "a"), ("scope=a+b%20c", "a b c"), ("x=1&scope=a&y", "a"), ("scope=a=b", "a=b"), ("scope=", nil),
            ("scope", nil), ("", nil), ("Scope=a", nil), ("%73cope=a", "a"), ("&&scope=a&", "a"),
        ] as [(String, String?)])
    func `a parameter of a query`(_ query: String, _ value: String?) throws {
        #expect(try FormParameters(query: query).single("scope") == value)
    }

    @Test func `no query has no parameters`() throws { #expect(try FormParameters(query: nil).single("scope") == nil) }

    @Test(arguments: [
        ("scope=a&scope=b", "scope is given twice"), ("scope=&scope=", "scope is given twice"),
        ("scope=a&%73cope=b", "scope is given twice"), ("scope=%", "malformed percent-encoding"),
        ("x=%zz", "malformed percent-encoding"), ("scope=%FF", "a parameter is not UTF-8 text"),
        ("scope=%00", "a parameter is not UTF-8 text"),
        (String(repeating: "a&", count: 65), "too many parameters"),
    ])
    func `what is refused`(_ query: String, _ description: String) {
        let refusal = refusal { () throws(ErrorResponse) in _ = try FormParameters(query: query).single("scope") }
        #expect(refusal == .invalidRequest(description))
    }

    @Test(arguments: [
        "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded;charset=UTF-8", "application/x-www-form-urlencoded ; charset=UTF-8",
    ])
    func `a form by its media type`(_ type: String) throws {
        #expect(try FormParameters(bodyOf: request(type: type, body: "token=t")).single("token") == "t")
    }

    @Test func `any other body is refused`() {
        let requests = [
            request(body: "token=t"), request(type: "application/json", body: "{}"),
            request(type: "application/x-www-form-urlencoded2"), request(type: ""),
            request(type: "application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ]
        for request in requests {
            let refusal = refusal { () throws(ErrorResponse) in _ = try FormParameters(bodyOf: request) }
            #expect(refusal?.status == .unsupportedMediaType)
            #expect(refusal?.code == "invalid_request")
        }
    }
}

import HTTP
import Testing

@testable import VendorSimulator

struct ParametersTests {
    @Test(arguments: [
        "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded ;charset=utf-8",
    ])
    func `a form is known by its media type`(_ type: String) throws {
        #expect(try Parameters(of: .post("/", "a=b+c&d=", type: type))["a"] == "b c")
    }

    @Test func `an empty parameter counts as absent`() throws {
        let parameters = try Parameters(of: .post("/", "a=&b"))
        #expect(parameters["a"] == nil)
        #expect(parameters["b"] == nil)
        #expect(parameters["c"] == nil)
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var request: Request
        var error: Parameters.Malformed
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "JSON", request: .post("/", "{}", type: "application/json"), error: .mediaType),
        Case(name: "no type", request: .post("/", "a=b", type: nil), error: .mediaType),
        Case(name: "empty type", request: .post("/", "a=b", type: ""), error: .mediaType),
        Case(name: "two types", request: twoTypes, error: .mediaType),
        Case(name: "bad percent", request: .post("/", "a=%2"), error: .encoding),
        Case(name: "repeated", request: .post("/", "a=b&a=b"), error: .repeated),
        Case(name: "repeated empty", request: .post("/", "a=&a="), error: .repeated),
    ])
    func `what is no form of single values is refused`(_ example: Case) {
        #expect(throws: example.error) { try Parameters(of: example.request) }
    }

    private static var twoTypes: Request {
        var request = Request.post("/", "a=b")
        request.fields.append("Content-Type", "text/plain")
        return request
    }
}

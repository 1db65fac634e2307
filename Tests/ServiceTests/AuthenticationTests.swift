import Foundation
import HTTP
import Testing
import TokenBroker

@testable import Service

struct AuthenticationTests {
    /// What a request proves itself by, and who it is taken for.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var authorization: [String] = []
        var form: String?
        let expected: Outcome

        init(_ name: String, _ authorization: String..., form: String? = nil, is expected: Outcome) {
            testDescription = name
            self.authorization = authorization
            self.form = form
            self.expected = expected
        }
    }

    enum Outcome: Sendable, Equatable {
        case caller(String)
        /// Status, error code and challenge.
        case refused(Int, String?, String?)

        static let missing = refused(401, nil, #"Bearer realm="tokenwell", Basic realm="tokenwell""#)
        static let invalidToken = refused(401, "invalid_token", #"Bearer realm="tokenwell", error="invalid_token""#)
        static let invalidClient = refused(401, "invalid_client", #"Basic realm="tokenwell""#)
        static let invalidRequest = refused(400, "invalid_request", nil)
    }

    private static let keys = (payroll: "tw_payroll-1", next: "tw_payroll-2", reports: "tw_reports")

    private let authentication = Authentication([
        Caller(
            name: "payroll", keys: [KeyDigest(of: keys.payroll), KeyDigest(of: keys.next)], grant: Grant(tenants: [])),
        Caller(name: "Reports.v2", keys: [KeyDigest(of: keys.reports)], grant: Grant(tenants: [])),
        Caller(name: "idle", keys: [], grant: Grant(tenants: [])),
    ])

    private static func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }

    private func outcome(_ sample: Case) -> Outcome {
        var request = Request(method: .post, target: Target(segments: ["revoke"]))
        for value in sample.authorization { request.fields.append("Authorization", value) }
        do throws(ErrorResponse) {
            guard let form = sample.form else { return .caller(try authentication.caller(of: request).name) }
            request.fields.append("Content-Type", "application/x-www-form-urlencoded")
            request.body = Array(form.utf8)
            return .caller(try authentication.caller(of: request, form: try FormParameters(bodyOf: request)).name)
        } catch {
            return .refused(error.status.code, error.code, error.challenge)
        }
    }

    @Test(arguments: [
        Case("the key", "Bearer tw_payroll-1", is: .caller("payroll")),
        Case("the next key", "Bearer tw_payroll-2", is: .caller("payroll")),
        Case("a scheme in lower case", "bearer tw_reports", is: .caller("Reports.v2")),
        Case("several spaces", "Bearer   tw_reports", is: .caller("Reports.v2")),
        Case("a wrong key", "Bearer tw_wrong", is: .invalidToken),
        Case("the key in other case", "Bearer TW_REPORTS", is: .invalidToken),
        Case("the key with something after it", "Bearer tw_reports,", is: .invalidToken),
        Case("part of the key", "Bearer tw_report", is: .invalidToken),
        Case("the digest of the key", "Bearer \(KeyDigest(of: keys.reports))", is: .invalidToken),
        Case("no key", "Bearer", is: .invalidToken),
        Case("only spaces", "Bearer   ", is: .invalidToken),
        Case("nothing", is: .missing),
        Case("an empty field", "", is: .invalidClient),
        Case("another scheme", "Digest username=\"payroll\"", is: .invalidClient),
        Case("a scheme that begins alike", "Bearertw_reports", is: .invalidClient),
        Case("the field twice", "Bearer tw_reports", "Bearer tw_reports", is: .invalidRequest),
        Case("two schemes", "Bearer tw_reports", basic("Reports.v2:tw_reports"), is: .invalidRequest),
    ])
    func `by bearer key`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test(arguments: [
        Case("name and key", basic("payroll:tw_payroll-1"), is: .caller("payroll")),
        Case("name and next key", basic("payroll:tw_payroll-2"), is: .caller("payroll")),
        Case("form-encoded", basic("Reports%2Ev2:tw%5Freports"), is: .caller("Reports.v2")),
        Case("only the name form-encoded", basic("Reports%2ev2:tw_reports"), is: .caller("Reports.v2")),
        Case("a wrong key", basic("payroll:tw_wrong"), is: .invalidClient),
        Case("the key of another caller", basic("payroll:tw_reports"), is: .invalidClient),
        Case("the name in other case", basic("Payroll:tw_payroll-1"), is: .invalidClient),
        Case("an unknown name", basic("nobody:tw_payroll-1"), is: .invalidClient),
        Case("a caller without keys", basic("idle:"), is: .invalidClient),
        Case("no name", basic(":tw_payroll-1"), is: .invalidClient),
        Case("no key", basic("payroll:"), is: .invalidClient),
        Case("a colon after the key", basic("payroll:tw_payroll-1:"), is: .invalidClient),
        Case("no colon", basic("payroll"), is: .invalidClient),
        Case("a broken escape", basic("payroll:%zz"), is: .invalidClient),
        Case("no base64", "Basic ***", is: .invalidClient),
        Case("nothing after the scheme", "Basic", is: .invalidClient),
        Case("not UTF-8", "Basic /////w==", is: .invalidClient),
        Case("a control character", basic("payroll\n:tw_payroll-1"), is: .invalidClient),
    ])
    func `by Basic`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test(arguments: [
        Case("name and key", form: "client_id=payroll&client_secret=tw_payroll-1", is: .caller("payroll")),
        Case("a wrong key", form: "client_id=payroll&client_secret=tw_wrong", is: .invalidClient),
        Case("the key of another caller", form: "client_id=payroll&client_secret=tw_reports", is: .invalidClient),
        Case("a key without a name", form: "client_secret=tw_payroll-1", is: .invalidClient),
        Case("an empty key", form: "client_id=payroll&client_secret=", is: .missing),
        Case("a name without a key", form: "client_id=payroll", is: .missing),
        Case("nothing", form: "", is: .missing),
        Case(
            "a name twice", form: "client_id=payroll&client_id=payroll&client_secret=tw_payroll-1", is: .invalidRequest),
        Case("a key twice", form: "client_id=payroll&client_secret=tw_payroll-1&client_secret=x", is: .invalidRequest),
        Case(
            "and by Basic", basic("payroll:tw_payroll-1"), form: "client_id=payroll&client_secret=tw_payroll-1",
            is: .invalidRequest),
        Case(
            "and by bearer key", "Bearer tw_payroll-1", form: "client_id=payroll&client_secret=tw_payroll-1",
            is: .invalidRequest),
        Case(
            "by Basic, and named in the form", basic("payroll:tw_payroll-1"), form: "client_id=payroll",
            is: .caller("payroll")),
        Case(
            "by Basic, and another named in the form", basic("payroll:tw_payroll-1"), form: "client_id=Reports.v2",
            is: .invalidRequest),
        Case("by bearer key beside a form", "Bearer tw_reports", form: "token=x", is: .caller("Reports.v2")),
    ])
    func `by the form`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test func `without callers nobody is let in`() {
        let request = Request(method: .get, target: Target(segments: []))
        var withKey = request
        withKey.fields.append("Authorization", "Bearer ")
        for request in [request, withKey] {
            #expect(throws: ErrorResponse.self) { try Authentication([]).caller(of: request) }
        }
    }
}

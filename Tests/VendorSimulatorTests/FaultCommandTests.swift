import Testing

@testable import VendorSimulator

struct FaultCommandTests {
    struct Accepted: CustomTestStringConvertible {
        var form: String
        var command: FaultCommand
        var testDescription: String { form }

        init(_ form: String, _ mode: Fault.Mode, _ endpoint: Fault.Endpoint = .token, count: Int? = 1) {
            self.form = form
            command = .arm(Fault(mode: mode, endpoint: endpoint, remaining: count))
        }
    }

    @Test(arguments: [
        Accepted("mode=error", .error),
        Accepted("mode=unavailable&on=revocation", .unavailable, .revocation),
        Accepted("mode=garbage&on=api&count=1000000", .garbage, .api, count: 1_000_000),
        Accepted("mode=empty&count=forever", .empty, count: nil),
        Accepted("mode=oauth_error", .oauthError),
        Accepted("mode=same_token", .sameToken),
        Accepted("mode=throttle", .throttle(retryAfter: "30")),
        Accepted("mode=throttle&retry_after=7", .throttle(retryAfter: "7")),
        Accepted("mode=throttle&retry_after=none", .throttle(retryAfter: nil)),
        Accepted(
            "mode=throttle&retry_after=Wed,+21+Oct+2026+07:28:00+GMT",
            .throttle(retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT")),
        Accepted("mode=slow", .slow(.seconds(5))),
        Accepted("mode=slow&seconds=60", .slow(.seconds(60))),
    ])
    func `a command arms what it says`(_ example: Accepted) throws {
        #expect(try FaultCommand(Parameters(of: .post("/", example.form))) == example.command)
    }

    @Test func `none disarms an endpoint`() throws {
        #expect(try FaultCommand(Parameters(of: .post("/", "mode=none&on=api"))) == .disarm(.api))
    }

    @Test(arguments: [
        ("", "mode must be none, error, unavailable, throttle, garbage, empty, oauth_error, slow or same_token"),
        (
            "mode=ERROR",
            "mode must be none, error, unavailable, throttle, garbage, empty, oauth_error, slow or same_token"
        ),
        ("mode=error&on=all", "on must be token, revocation or api"),
        ("mode=error&count=0", "count must be a number from 1 to 1000000"),
        ("mode=error&count=1000001", "count must be a number from 1 to 1000000"),
        ("mode=slow&seconds=61", "seconds must be a number from 1 to 60"),
        ("mode=slow&seconds=soon", "seconds must be a number from 1 to 60"),
        ("mode=throttle&retry_after=%0A", "retry_after must be at most 64 printable ASCII characters, or none"),
        ("mode=same_token&on=api", "same_token is only for on=token"),
    ])
    func `a command that makes no sense says why`(_ form: String, _ reason: String) throws {
        let parameters = try Parameters(of: .post("/", form))
        #expect(throws: FaultCommand.Invalid(reason: reason)) { try FaultCommand(parameters) }
    }
}

import FoundationEssentials
import HTTP

/// The routes under `/_simulator/`, which are this program's and no vendor's: what happened, and what shall go wrong.
///
/// - `GET /_simulator/clients`: for each client its attempts, mints and refusals, its good tokens, the end of its ban,
///   the times of its last attempts and mints (seconds since 1970), and the smallest interval between two mints.
/// - `POST /_simulator/fault`, a form:
///   - `mode=`: `none`, `error`, `unavailable`, `throttle`, `garbage`, `empty`, `oauth_error`, `slow` or `same_token`
///     (`Fault.Mode` says what each does);
///   - `on=`: `token` (the default), `revocation` or `api`;
///   - `count=`: 1 (the default) to 1000000 requests, or `forever`;
///   - `retry_after=` with `throttle`: sent as it is (default 30), `none` for no field;
///   - `seconds=` with `slow`: 1 to 60 (default 5).
/// - `POST /_simulator/expire`, a form with `client=`: expires every token of that client, as a vendor's purge does.
///
/// They ask for no authentication and show neither secrets nor tokens.
struct ControlRoutes {
    let issuer: Issuer

    /// Whether the request is for these routes.
    static func own(_ target: Target) -> Bool { target.segments.first == "_simulator" }

    func respond(to request: Request) -> Response {
        switch request.target.segments.dropFirst() {
        case ["clients"]: request.method.reads ? clients() : Response(allowing: "GET, HEAD")
        case ["fault"]: request.method == .post ? fault(request) : Response(allowing: "POST")
        case ["expire"]: request.method == .post ? expire(request) : Response(allowing: "POST")
        default: Response(.notFound, text: "Not Found")
        }
    }

    private func clients() -> Response {
        let clients = issuer.report().map { entry -> JSON in
            [
                "client": .string(entry.id),
                "attempts": .integer(entry.ledger.attempts),
                "mints": .integer(entry.ledger.mints),
                "refused": .integer(entry.ledger.refused),
                "live_tokens": .integer(entry.tokens),
                "banned_until": entry.bannedUntil.map(Self.time) ?? nil,
                "last_attempts": .array(entry.ledger.lastAttempts.map(Self.time)),
                "last_mints": .array(entry.ledger.lastMints.map(Self.time)),
                "smallest_interval": entry.ledger.smallestInterval.map(Self.seconds) ?? nil,
            ]
        }
        return Response(.ok, json: ["clients": .array(clients)])
    }

    private func fault(_ request: Request) -> Response {
        guard let parameters = try? Parameters(of: request) else { return Self.invalid("a form body is needed") }
        do throws(FaultCommand.Invalid) {
            let command = try FaultCommand(parameters)
            issuer.perform(command)
            return Response(.ok, json: ["armed": Self.count(command)])
        } catch {
            return Self.invalid(error.reason)
        }
    }

    private func expire(_ request: Request) -> Response {
        guard let parameters = try? Parameters(of: request), let client = parameters["client"] else {
            return Self.invalid("a form body with client= is needed")
        }
        guard let expired = issuer.expireAll(of: client) else {
            return Response(.notFound, json: ["error": "unknown_client"])
        }
        return Response(.ok, json: ["expired": .integer(expired)])
    }

    /// How many requests the fault will strike.
    private static func count(_ command: FaultCommand) -> JSON {
        switch command {
        case .disarm: 0
        case .arm(let fault): fault.remaining.map(JSON.integer) ?? "forever"
        }
    }

    private static func invalid(_ reason: String) -> Response {
        Response(.badRequest, json: ["error": "invalid_request", "error_description": .string(reason)])
    }

    private static func time(_ date: Date) -> JSON { seconds(date.timeIntervalSince1970) }

    /// To the millisecond.
    private static func seconds(_ interval: TimeInterval) -> JSON { .number((interval * 1000).rounded() / 1000) }
}

extension Method {
    /// Whether it reads, and changes nothing.
    var reads: Bool { self == .get || self == .head }
}

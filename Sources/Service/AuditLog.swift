import HTTP
import Sockets
import Telemetry
import TokenBroker

/// Who was given what, and what was done about it: a line of JSON for each such event, apart from the log.
///
/// Every member is a string that is escaped as JSON is, so that nothing in it can end the line. There are no tokens and no
/// secrets, but fingerprints. Lines are taken without waiting for the disk or a reader; the README names events and members.
final class AuditLog: Sendable {
    private let writer: LineWriter

    init(to writer: LineWriter) { self.writer = writer }

    /// How many lines were lost so far, since nobody read them in time or there was no room.
    var dropped: Int { writer.dropped }

    /// Waits until what was recorded is written, or a second has passed.
    func flush() { writer.flush() }

    /// Begins a new file where the old one was; for ``LineWriter/reopen()``.
    func reopen() throws(LineWriter.Unwritable) { try writer.reopen() }

    /// Writes down that a caller was given a token, or told that it has it.
    func handOut(_ handOut: HandOut, of tenant: String, to caller: Caller, _ request: Request) {
        record(
            "hand_out", request, caller,
            [
                ("tenant", tenant), ("scope", handOut.token.scopes.description), ("state", handOut.state.rawValue),
                ("fingerprint", handOut.token.fingerprint.text),
            ])
    }

    /// Writes down that a request was refused.
    func refusal(_ refusal: ErrorResponse, _ request: Request) {
        var members: [(StaticString, String)] = [
            ("method", request.method.name), ("status", refusal.status.description), ("error", refusal.code ?? ""),
        ]
        if let tenant = refusal.concernedTenant { members.append(("tenant", tenant)) }
        finish(Self.begin("refusal", request, refusal.caller), members)
    }

    /// Writes down another thing that a caller did.
    func record(
        _ event: StaticString, _ request: Request, _ caller: Caller, _ members: [(name: StaticString, value: String)]
    ) {
        finish(Self.begin(event, request, caller.name), members)
    }

    /// Writes down what the broker did of its own accord.
    func record(_ event: BrokerEvent) {
        switch event {
        case .mint(let tenant, let scopes, let reason, let result):
            var members: [(StaticString, String)] = [
                ("tenant", tenant), ("scope", scopes.description), ("reason", reason),
            ]
            switch result {
            case .success(let fingerprint): members += [("outcome", "ok"), ("fingerprint", fingerprint.text)]
            case .failure(let failure): members += [("outcome", failure.outcome.rawValue), ("cause", failure.cause)]
            }
            finish(Self.begin("mint"), members)
        case .revocation(let tenant, let fingerprint, let result, let failure):
            var members: [(StaticString, String)] = [
                ("tenant", tenant), ("fingerprint", fingerprint.text), ("outcome", result),
            ]
            if let failure { members.append(("cause", failure.cause)) }
            finish(Self.begin("revocation"), members)
        }
    }

    /// Writes down what concerns neither a request nor the broker.
    func record(_ event: StaticString, _ members: [(name: StaticString, value: String)]) {
        finish(Self.begin(event), members)
    }

    private static func begin(_ event: StaticString, _ request: Request, _ caller: String?) -> [UInt8] {
        var line = begin(event)
        line.append(member: "request_id")
        line.append(json: request.id.description)
        line.append(member: "source")
        line.append(json: request.peer.host)
        if let caller {
            line.append(member: "caller")
            line.append(json: caller)
        }
        return line
    }

    private static func begin(_ event: StaticString) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(320)
        line.append(#"{"time":""#)
        Timestamp.now.write(to: &line)
        line.append(#"","event":""#)
        event.withUTF8Buffer { line.append(contentsOf: $0) }
        line.append(#"""#)
        return line
    }

    private func finish(_ line: [UInt8], _ members: [(name: StaticString, value: String)]) {
        var line = line
        for (name, value) in members {
            line.append(member: name)
            line.append(json: value)
        }
        line.append("}\n")
        writer.write(line)
    }
}

extension AuditLog? {
    /// The answer to a request that is refused, which is written down if anything is.
    func refused(_ refusal: ErrorResponse, _ request: Request) -> Response {
        self?.refusal(refusal, request)
        return refusal.response
    }
}

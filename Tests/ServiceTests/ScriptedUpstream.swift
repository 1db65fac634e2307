import HTTP
import Synchronization

/// An authorization server that a test writes: `/token`, and whatever else it is asked for.
final class ScriptedUpstream: Sendable {
    private struct State {
        var handler: Handler?
        var requests: [Request] = []
    }

    private let state = Mutex(State())

    /// Everything that it was asked.
    var requests: [Request] { state.withLock { $0.requests } }

    /// Answers so from now on; by itself it gives a new token of 300 s each time, and revokes what it is asked to.
    func answer(_ handler: @escaping Handler) { state.withLock { $0.handler = handler } }

    /// Answers so from now on.
    func answer(_ status: Int, _ body: String = "", retryAfter: String? = nil) {
        answer { _ in
            var response = Response(Status(status), type: "application/json", body: Array(body.utf8))
            if let retryAfter { response.fields.append("Retry-After", retryAfter) }
            return response
        }
    }

    @Sendable func respond(to request: Request) async -> Response {
        let (handler, count) = state.withLock { state in
            state.requests.append(request)
            return (state.handler, state.requests.count)
        }
        if let handler { return await handler(request) }
        return Self.token("initech-token-\(count)")
    }

    /// A success answer.
    static func token(_ token: String, lifetime: Int = 300) -> Response {
        let body = #"{"access_token":"\#(token)","token_type":"bearer","expires_in":\#(lifetime)}"#
        return Response(.ok, type: "application/json", body: Array(body.utf8))
    }
}

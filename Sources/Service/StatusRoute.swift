import HTTP
import TokenBroker

/// `GET /status`: the operators' page, which asks `/tenants` for all that it shows.
struct StatusRoute: Sendable {
    private static let page = StatusPage()

    let authentication: Authentication

    func get(_ request: Request, _: String) throws(ErrorResponse) -> Reply {
        let caller = try caller(of: request)
        guard caller.grant.isOperator else { throw ErrorResponse(.accessDenied).concerning(caller) }
        let known = request.fields["If-None-Match"]
        return .later {
            if let known, EntityTag.matches(known, Self.page.tag) {
                return Self.finished(Response(.notModified, fields: Self.varying))
            }
            guard let response = await Self.page.body.response(to: request, type: "text/html; charset=utf-8") else {
                return ErrorResponse.notAcceptable.response
            }
            return Self.finished(response)
        }
    }

    /// Browsers ask for name and key only where Basic is all that they are offered.
    private func caller(of request: Request) throws(ErrorResponse) -> Caller {
        do throws(ErrorResponse) { return try authentication.caller(of: request) } catch {
            var refusal = error
            if refusal.challenge != nil { refusal.challenge = #"Basic realm="tokenwell", charset="UTF-8""# }
            throw refusal
        }
    }

    private static let varying: Fields = {
        var fields = Fields()
        fields.append("Vary", "Accept-Encoding")
        return fields
    }()

    private static func finished(_ response: Response) -> Response {
        var response = response
        response.fields.append("ETag", "W/\(page.tag)")
        response.fields.append("Cache-Control", "private, no-cache")
        response.fields.append("Content-Security-Policy", page.policy)
        response.fields.append("X-Content-Type-Options", "nosniff")
        response.fields.append("Referrer-Policy", "no-referrer")
        return response
    }
}

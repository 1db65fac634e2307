import HTTP

/// The parameters of a query or of a form body, each at most once (RFC 6749 §3.1, §3.2). Unknown ones are ignored.
struct FormParameters {
    private let form: FormBody

    /// The query of a request; empty without one.
    init(query: String?) throws(ErrorResponse) {
        form = if let query { try Self.parse(Array(query.utf8)) } else { FormBody() }
    }

    /// The body of a request, which must be a form.
    init(bodyOf request: Request) throws(ErrorResponse) {
        let mediaType = request.fields["Content-Type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
        guard request.fields.count(of: "Content-Type") == 1, mediaType == "application/x-www-form-urlencoded" else {
            throw ErrorResponse(
                .unsupportedMediaType, "invalid_request", "the body must be application/x-www-form-urlencoded")
        }
        form = try Self.parse(request.body)
    }

    /// The value of a parameter; nil when it is absent or empty, which RFC 6749 §3.1 has be the same.
    func single(_ name: String) throws(ErrorResponse) -> String? {
        let values = form[name]
        guard values.count <= 1 else { throw .invalidRequest("\(name) is given twice") }
        return values.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func parse(_ bytes: [UInt8]) throws(ErrorResponse) -> FormBody {
        do throws(FormBody.Malformed) {
            return try FormBody(parsing: bytes)
        } catch {
            switch error {
            case .percentEncoding: throw .invalidRequest("malformed percent-encoding")
            case .text: throw .invalidRequest("a parameter is not UTF-8 text")
            case .tooManyPairs: throw .invalidRequest("too many parameters")
            }
        }
    }
}

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
        let mediaType = request.fields["Content-Type"]?.prefix { $0 != ";" && $0 != " " && $0 != "\t" }.lowercased()
        guard request.fields.count(of: "Content-Type") == 1, mediaType == "application/x-www-form-urlencoded" else {
            throw ErrorResponse(
                .unsupportedMediaType, "invalid_request", "the body must be application/x-www-form-urlencoded")
        }
        guard request.hasPlainBody else {
            throw ErrorResponse(.unsupportedMediaType, "invalid_request", "the body must not be coded")
        }
        form = try Self.parse(request.body)
    }

    /// The value of a parameter; nil when it is absent or empty, which RFC 6749 §3.1 has be the same.
    func single(_ name: String) throws(ErrorResponse) -> String? {
        var value: String?
        for pair in form.pairs where pair.name == name {
            guard value == nil else { throw .invalidRequest("\(name) is given twice") }
            value = pair.value
        }
        return value.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Sees to it that there is no other parameter, and none that is empty: for what a slip must not turn into something else.
    func require(only name: String) throws(ErrorResponse) {
        guard form.pairs.allSatisfy({ $0.name == name && !$0.value.isEmpty }) else {
            throw .invalidRequest("\(name), and not empty, is all that is taken here")
        }
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

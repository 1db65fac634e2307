import HTTP

/// The parameters of a form body, each of which may occur once (RFC 6749 §3.2).
struct Parameters {
    /// Why a body holds no parameters.
    enum Malformed: Error, Equatable {
        /// The body is not said to be `application/x-www-form-urlencoded`.
        case mediaType
        case encoding
        case repeated
    }

    private let values: [String: String]

    /// Reads the body of a request.
    init(of request: Request) throws(Malformed) {
        guard request.isForm else { throw .mediaType }
        var values: [String: String] = [:]
        guard let body = try? FormBody(parsing: request.body) else { throw .encoding }
        for pair in body.pairs where values.updateValue(pair.value, forKey: pair.name) != nil {
            throw .repeated
        }
        self.values = values
    }

    /// The value of a parameter; nil when it is absent or empty, which is the same (RFC 6749 §3.2).
    subscript(name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Request {
    /// Whether the body is said to be a form; parameters of the media type, such as a charset, don't matter.
    fileprivate var isForm: Bool {
        guard fields.count(of: "Content-Type") == 1, let essence = fields["Content-Type"]?.split(separator: ";").first
        else { return false }
        return essence.lowercased().filter { $0 != " " && $0 != "\t" } == "application/x-www-form-urlencoded"
    }

    /// The Basic credentials as they were sent; nil without exactly one well-formed `Authorization` field.
    var basicCredentials: BasicCredentials? {
        authorization.flatMap { BasicCredentials(field: $0) }
    }

    /// The bearer token (RFC 6750 §2.1); nil without exactly one `Authorization` field of that scheme.
    var bearerToken: String? {
        guard let value = authorization, value.prefix(7).lowercased() == "bearer " else { return nil }
        return String(value.dropFirst(7))
    }

    private var authorization: String? {
        fields.count(of: "Authorization") == 1 ? fields["Authorization"] : nil
    }
}

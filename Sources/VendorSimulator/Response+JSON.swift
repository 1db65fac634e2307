import HTTP

extension Response {
    /// An answer with a JSON body.
    init(_ status: Status, json: JSON, type: String = "application/json") {
        self.init(status, type: type, body: json.bytes)
    }

    /// An answer with a line of plain text.
    init(_ status: Status, text: String) {
        self.init(status, type: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// 405 for a resource that takes only the methods listed (RFC 9110 §15.5.6).
    init(allowing methods: String) {
        self.init(.methodNotAllowed)
        fields.append("Allow", methods)
    }

    /// The same answer with a further field.
    func adding(_ name: StaticString, _ value: String) -> Response {
        var response = self
        response.fields.append(name, value)
        return response
    }

    /// The same answer, forbidden to caches as RFC 6749 §5.1 demands of one that holds a token.
    func notStored(_ directives: String = "no-store") -> Response {
        adding("Cache-Control", directives).adding("Pragma", "no-cache")
    }
}

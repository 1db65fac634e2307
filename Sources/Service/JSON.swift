import HTTP

extension [UInt8] {
    /// Appends `"name":`, after a comma where members came before.
    mutating func append(member name: StaticString) {
        if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
        append(UInt8(ascii: "\""))
        name.withUTF8Buffer { append(contentsOf: $0) }
        append(UInt8(ascii: "\""))
        append(UInt8(ascii: ":"))
    }
}

extension Response {
    /// An answer with a JSON body, which no cache may keep.
    static func json(_ status: Status, _ body: [UInt8]) -> Response {
        var response = Response(status, type: "application/json", body: body)
        response.fields.append("Cache-Control", "no-store")
        return response
    }
}

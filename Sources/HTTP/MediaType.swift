/// A media type that there is to be had, with the parameters that tell it from others of its name.
package struct MediaType: Sendable {
    /// In lower case.
    let type: String
    let subtype: String
    let parameters: [(name: String, value: String)]

    /// - Parameters:
    ///   - type: In lower case, such as `text`; so are `subtype` and the names of the parameters.
    package init(_ type: String, _ subtype: String, _ parameters: [(name: String, value: String)] = []) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// As `Content-Type` says it.
    package var text: String {
        "\(type)/\(subtype)" + parameters.map { "; \($0.name)=\($0.value)" }.joined()
    }
}

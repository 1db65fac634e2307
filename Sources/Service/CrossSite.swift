import HTTP

/// Requests that a browser was made to send by another site's page, with credentials that it adds by itself: Basic, once
/// somebody has signed in at `/status`, or a client certificate (CWE-352).
enum CrossSite {
    static let refusal = ErrorResponse(.forbidden, "access_denied", "sent by a page of another site")

    /// Whether it is one of those.
    ///
    /// Browsers say themselves what is of another site (Fetch Metadata), but not to plain `http` beyond the loopback; there
    /// `Origin` has to be what `Host` says. What has neither field is no browser, or one that asks of its own accord.
    static func isForged(_ request: Request) -> Bool {
        guard addsCredentialsItself(request) else { return false }
        let (site, count) = request.fields.occurrences(of: "Sec-Fetch-Site")
        if let site {
            return count > 1 || !["same-origin", "none"].contains(String(decoding: site, as: UTF8.self))
        }
        let (field, origins) = request.fields.occurrences(of: "Origin")
        guard let field else { return false }
        // Of two it is unknown which a browser has sent.
        guard origins == 1 else { return true }
        let origin = String(decoding: field, as: UTF8.self)
        guard let host = request.fields["Host"], let scheme = origin.firstRange(of: "://") else { return true }
        return origin[scheme.upperBound...].lowercased() != host.lowercased()
    }

    /// A bearer token is nothing that a browser knows of.
    private static func addsCredentialsItself(_ request: Request) -> Bool {
        guard let field = request.fields["Authorization"] else { return request.clientCertificate != nil }
        return !field.lowercased().hasPrefix("bearer ")
    }
}

import Crypto
import FoundationEssentials
import HTTP

/// The operators' page, made of `Status/status.html` with its style and its script in place: the same bytes for everybody.
struct StatusPage: Sendable {
    let body: CompressibleBody
    /// Quoted. Weak in the answer, as the page may come in the gzip coding.
    let tag: String
    /// What the page may do: run that script, be drawn in that style, and ask this origin.
    let policy: String

    init() {
        let style = String(decoding: PackageResources.status_css, as: UTF8.self)
        let script = String(decoding: PackageResources.status_js, as: UTF8.self)
        let page = String(decoding: PackageResources.status_html, as: UTF8.self)
            .replacing("{{style}}", with: style, maxReplacements: 1)
            .replacing("{{script}}", with: script, maxReplacements: 1)
        body = CompressibleBody(Array(page.utf8))
        tag = "\"" + SHA256.hash(data: body.bytes).description.suffix(64).prefix(16) + "\""
        policy = [
            "default-src 'none'", "script-src \(Self.source(script))", "style-src \(Self.source(style))",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'", "trusted-types 'none'",
        ].joined(separator: "; ")
    }

    /// An inline text by its hash (CSP Level 3 §2.3.1).
    private static func source(_ text: String) -> String {
        "'sha256-\(Data(SHA256.hash(data: Array(text.utf8))).base64EncodedString())'"
    }
}

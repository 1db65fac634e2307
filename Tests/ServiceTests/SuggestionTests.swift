import Testing

@testable import Service

struct SuggestionTests {
    @Test(arguments: [
        ("cleint_id", "client_id"), ("client_i", "client_id"), ("client_idd", "client_id"), ("scope", "scopes"),
        ("scopes", "scopes"), ("colour", nil), ("", nil), ("id", nil), ("client_secret_id", nil),
    ])
    func `the nearest of a few is suggested, or nothing`(_ text: String, _ suggestion: String?) {
        #expect(Suggestion.closest(to: text, in: ["client_id", "scopes", "client_secret"]) == suggestion)
    }

    @Test func `a nearer one is better than an earlier one`() {
        #expect(
            Suggestion.closest(to: "tenant-12", in: ["tenant", "tenant-34", "tenant-13", "tenant-10"]) == "tenant-13")
    }
}

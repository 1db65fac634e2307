import Testing

@testable import TokenBroker

struct CredentialStandingTests {
    /// What the upstream says, in turn, of a secret by its place.
    enum Word: Sendable { case accepts(Int), refuses(Int), forbids(Int), lift }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var secrets = 2
        var words: [Word]
        var secret: Int
        var winner: Int
        var isSuspended = false
        var isProven = false
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "nothing said", words: [], secret: 0, winner: 0),
        Case(name: "the active one is taken", words: [.accepts(0)], secret: 0, winner: 0, isProven: true),
        Case(
            name: "refused, and there is no other", secrets: 1, words: [.refuses(0)], secret: 0, winner: 0,
            isSuspended: true),
        Case(name: "refused, the next is to be tried", words: [.refuses(0)], secret: 1, winner: 0),
        Case(name: "the next wins", words: [.refuses(0), .accepts(1)], secret: 1, winner: 1, isProven: true),
        Case(name: "both refused", words: [.refuses(0), .refuses(1)], secret: 0, winner: 0, isSuspended: true),
        Case(
            name: "forbidden by something else than the secret", words: [.forbids(0)], secret: 0, winner: 0,
            isSuspended: true),
        Case(
            name: "a late word on the one that lost changes nothing",
            words: [.refuses(0), .accepts(1), .accepts(0), .refuses(0), .forbids(0)], secret: 1, winner: 1,
            isProven: true),
        Case(
            name: "the winner is withdrawn, the first serves again",
            words: [.refuses(0), .accepts(1), .refuses(1), .accepts(0)], secret: 0, winner: 0, isProven: true),
        Case(
            name: "both refused after a change: the winner is what an operator tries first",
            words: [.refuses(0), .accepts(1), .refuses(1), .refuses(0)], secret: 1, winner: 1, isSuspended: true),
        Case(
            name: "an operator lifts the suspension and proves nothing", words: [.refuses(0), .refuses(1), .lift],
            secret: 0,
            winner: 0),
        Case(
            name: "a mint that was on its way succeeds after all", secrets: 1, words: [.refuses(0), .accepts(0)],
            secret: 0,
            winner: 0, isProven: true),
        Case(
            name: "three secrets are tried in their order", secrets: 3, words: [.refuses(0), .refuses(1)], secret: 2,
            winner: 0),
    ])
    func `the standing follows from what the upstream says`(_ example: Case) {
        var standing = CredentialStanding(secrets: example.secrets)
        for word in example.words {
            switch word {
            case .accepts(let place): _ = standing.accept(place)
            case .refuses(let place): _ = standing.refuse(place, because: .rejected("invalid_client"))
            case .forbids(let place): _ = standing.refuse(place, because: .rejected("http_403"))
            case .lift: standing.lift()
            }
        }
        #expect(standing.secret == example.secret)
        #expect(standing.winner == example.winner)
        #expect(standing.isSuspended == example.isSuspended)
        #expect(standing.isProven == example.isProven)
    }
}

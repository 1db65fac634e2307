import Testing

@testable import TokenBroker

/// What callers are told of a token's future: of one of 300 s, with its refresh point at 252 s and its last use at 270 s.
struct HandOutTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var age: Duration
        /// What the upstream answers from 252 s on.
        var answer = ScriptedEndpoint.Answer.hang
        var state: HandOut.State
        var refreshIn: Duration
        var testDescription: String { name }
    }

    private static let same = MintedToken(token: Secret("same"), lifetime: .seconds(300))

    @Test(arguments: [
        Case(name: "new", age: .zero, state: .fresh, refreshIn: .seconds(252)),
        Case(name: "before its refresh point", age: .seconds(251), state: .fresh, refreshIn: .seconds(1)),
        Case(name: "while its successor is minted", age: .seconds(253), state: .aging, refreshIn: .zero),
        Case(
            name: "after a failure: until the next try", age: .seconds(253),
            answer: .failure(.throttled(retryAfter: .seconds(7))), state: .lastKnownGood, refreshIn: .seconds(6)),
        Case(
            name: "no try before its last use: until that", age: .seconds(253),
            answer: .failure(.throttled(retryAfter: .seconds(600))), state: .lastKnownGood, refreshIn: .seconds(17)),
        Case(
            name: "the credential is refused", age: .seconds(253), answer: .failure(.rejected("invalid_client")),
            state: .lastKnownGood, refreshIn: .seconds(17)),
        Case(
            name: "its scopes are refused", age: .seconds(253), answer: .failure(.rejected("invalid_scope")),
            state: .lastKnownGood, refreshIn: .seconds(17)),
        Case(
            name: "the upstream answers it again", age: .seconds(253), answer: .exactly(same), state: .aging,
            refreshIn: .seconds(17)),
    ])
    func `state and refresh_in follow from what became of the refresh`(_ example: Case) {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.script(.exactly(Self.same))
        rehearsal.ask()
        rehearsal.upstream.usually(example.answer)
        rehearsal.advance(by: example.age)
        let handOut = rehearsal.ask().value
        #expect(handOut?.token.secret.reveal() == "same")
        #expect(handOut?.state == example.state)
        #expect(handOut?.refreshIn == example.refreshIn)
        #expect(handOut?.remaining == .seconds(300) - example.age)
    }
}

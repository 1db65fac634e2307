/// What whoever hands tokens out makes of each once, so as not to make it again for every answer.
package protocol Rendering: AnyObject, Sendable {}

/// A token as it was minted, with all that a hand-out of it needs already computed.
package final class AccessToken: Sendable, CustomReflectable {
    package let secret: Secret
    /// The scheme that it is used with.
    let type: String
    /// What is handed on with it, by name.
    let members: [String: Secret]
    package let fingerprint: Fingerprint
    /// What the upstream granted, which may be less than what was asked for.
    package let scopes: ScopeSet
    /// What ``Broker/Settings/render`` made of it.
    package let rendering: (any Rendering)?
    let schedule: Schedule

    init(_ minted: MintedToken, scopes: ScopeSet, schedule: Schedule, render: Broker.Settings.Render) {
        secret = minted.token
        type = minted.tokenType
        members = minted.members
        fingerprint = Fingerprint(of: minted.token.reveal())
        self.scopes = scopes
        rendering = render(minted, scopes)
        self.schedule = schedule
    }

    // The rendering may show the token.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

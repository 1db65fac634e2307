/// A client as a vendor knows it: what it authenticates with, and what it may ask for.
package struct SimulatedClient: Sendable {
    /// PageUp's `client_id`, or UKG's `application_id`.
    package let id: String
    /// PageUp's `client_secret`, or UKG's `application_secret`.
    let secret: String
    /// The scopes that a PageUp client may ask for; UKG has only `client`.
    let scopes: [String]
    /// The UKG customers (`client_id` in the body) that an application may act for; PageUp has none.
    let clientIDs: [String]

    /// A client of PageUp, known by its id and secret.
    package init(id: String, secret: String, scopes: [String]) {
        self.id = id
        self.secret = secret
        self.scopes = scopes
        clientIDs = []
    }

    /// An application of UKG, known by its id and secret.
    package init(id: String, secret: String, clientIDs: [String]) {
        self.id = id
        self.secret = secret
        scopes = []
        self.clientIDs = clientIDs
    }
}

extension SimulatedClient: CustomStringConvertible, CustomReflectable {
    /// The id; never the secret.
    package var description: String { "client \(id)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

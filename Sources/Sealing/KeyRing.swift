import Crypto

/// The one or two master keys of a service: the active one seals, both open.
///
/// Two are there while one takes the other's place, until nothing is left that the previous one sealed. It prints as their
/// ids, however it is printed.
package struct KeyRing: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What was sealed, and whether it would be sealed with the same key today.
    package struct Opened: Hashable, Sendable {
        package var plain: [UInt8]
        /// False if the previous key sealed it: it is to be sealed again.
        package var isOfActiveKey: Bool
    }

    private let active: PurposeKeys
    private let previous: PurposeKeys?

    /// Derives what the keys are used for; what is sealed and opened later costs no more of that.
    package init(active: MasterKey, previous: MasterKey? = nil) {
        self.active = PurposeKeys(of: active)
        self.previous = previous.map(PurposeKeys.init)
    }

    /// The key that seals.
    package var activeID: KeyID { active.id }

    /// The key that opens what was sealed before, if there is one.
    package var previousID: KeyID? { previous?.id }

    /// Seals with the active key.
    ///
    /// - Parameter context: Where it belongs; it opens with the very same fields only. They are not in what is returned.
    /// - Returns: 45 bytes more than `plain` has, never the same twice.
    package func seal(_ plain: [UInt8], for purpose: Purpose, context: [[UInt8]]) -> [UInt8] {
        seal(plain, for: purpose, context: context, salt: Self.randomSalt())
    }

    /// Seals with a given salt, which must never serve twice.
    func seal(_ plain: [UInt8], for purpose: Purpose, context: [[UInt8]], salt: [UInt8]) -> [UInt8] {
        let (key, nonce) = active[purpose].message(salt: salt[...])
        let authenticated = Sealed.authenticated(keyID: active.id, purpose: purpose, context: context)
        guard let box = try? AES.GCM.seal(plain, using: key, nonce: nonce, authenticating: authenticated) else {
            preconditionFailure("AES-GCM seals what fits into memory")
        }
        return Sealed.bytes(keyID: active.id, salt: salt, box: box)
    }

    /// Opens what was sealed for that purpose and context with either key.
    package func open(
        _ sealed: ArraySlice<UInt8>, for purpose: Purpose, context: [[UInt8]]
    ) throws(SealError) -> Opened {
        let sealed = try Sealed(parsing: sealed)
        guard let keys = keys(with: sealed.keyID) else { throw .unknownKey(sealed.keyID) }
        let (key, nonce) = keys[purpose].message(salt: sealed.salt)
        let authenticated = Sealed.authenticated(keyID: keys.id, purpose: purpose, context: context)
        guard let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: sealed.ciphertext, tag: sealed.tag),
            let plain = try? AES.GCM.open(box, using: key, authenticating: authenticated)
        else { throw .doesNotOpen }
        return Opened(plain: Array(plain), isOfActiveKey: keys.id == active.id)
    }

    /// The id of the master key that `sealed` needs, whether the ring has it or not.
    package static func keyID(of sealed: ArraySlice<UInt8>) throws(SealError) -> KeyID {
        try Sealed(parsing: sealed).keyID
    }

    /// A name that tells nothing of `name` to who does not have the active key, and is the same each time.
    ///
    /// - Returns: 16 bytes.
    package func blind(_ name: [[UInt8]]) -> [UInt8] {
        var code = active.name
        code.update(data: Sealed.joined(name))
        return Array(code.finalize().prefix(16))
    }

    private func keys(with id: KeyID) -> PurposeKeys? {
        if id == active.id { return active }
        return id == previous?.id ? previous : nil
    }

    private static func randomSalt() -> [UInt8] {
        SymmetricKey(size: SymmetricKeySize(bitCount: 8 * Sealed.saltCount)).withUnsafeBytes { Array($0) }
    }

    package var description: String {
        "<key ring \(([active.id] + [previousID].compactMap(\.self)).map(\.description).joined(separator: ", "))>"
    }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

import Crypto

/// What is derived from one master key, once.
struct PurposeKeys: Sendable {
    let id: KeyID
    /// What blinds names, as its key leaves it.
    let name: HMAC<SHA256>
    private let record, configuration, check: PurposeKey

    init(of master: MasterKey) {
        id = master.id
        name = HMAC<SHA256>(key: master.derive("name"))
        record = PurposeKey(.record, of: master)
        configuration = PurposeKey(.configuration, of: master)
        check = PurposeKey(.check, of: master)
    }

    subscript(purpose: Purpose) -> PurposeKey {
        switch purpose {
        case .record: record
        case .configuration: configuration
        case .check: check
        }
    }
}

/// The key that the keys of all messages for one purpose are derived from.
struct PurposeKey: Sendable {
    /// As the key leaves it: what HKDF<SHA256>.expand would compute anew for each message.
    private let keyed: HMAC<SHA256>
    private let info: [UInt8]

    init(_ purpose: Purpose, of master: MasterKey) {
        keyed = HMAC<SHA256>(key: master.derive(purpose.name))
        info = Array("tokenwell/1/\(purpose.name)/message".utf8)
    }

    /// The key and the nonce of the one message that has that salt: HKDF-Expand (RFC 5869 §2.3), whose first block is the
    /// key, and whose second begins with the nonce.
    func message(salt: ArraySlice<UInt8>) -> (key: SymmetricKey, nonce: AES.GCM.Nonce) {
        var block = keyed
        var input = info + salt + [1]
        block.update(data: input)
        let key = SymmetricKey(data: block.finalize())
        block = keyed
        key.withUnsafeBytes { block.update(data: $0) }
        input[input.count - 1] = 2
        block.update(data: input)
        let bytes = block.finalize()
        guard let nonce = bytes.withUnsafeBytes({ try? AES.GCM.Nonce(data: $0.prefix(12)) }) else {
            preconditionFailure("a nonce of 12 bytes is one")
        }
        return (key, nonce)
    }
}

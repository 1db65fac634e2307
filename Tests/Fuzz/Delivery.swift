import Support

/// Ways in which bytes can arrive. They depend on nothing but the bytes, so that a finding can be repeated.
enum Delivery {
    static func all(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        [[bytes[...]], bytes.indices.map { bytes[$0...$0] }, pieces(of: bytes)]
    }

    /// Pieces of 1 to 24 bytes.
    private static func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let seed = bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var random = RandomNumbers(seed: seed)
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...24, using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}

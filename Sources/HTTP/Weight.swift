/// A `qvalue` (RFC 9110 §12.4.2): how much a client likes something.
enum Weight {
    /// 0 to 1 with at most three decimals, in thousandths; nil when it is malformed.
    static func thousandths(_ text: ArraySlice<UInt8>) -> Int? {
        guard let whole = text.first, whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        guard text.count == 1 || text.dropFirst().first == UInt8(ascii: ".") else { return nil }
        let decimals = text.dropFirst(2)
        guard decimals.count <= 3, decimals.allSatisfy(\.isASCIIDigit) else { return nil }
        var value = 0
        for digit in [whole] + decimals { value = value * 10 + Int(digit - UInt8(ascii: "0")) }
        for _ in decimals.count..<3 { value *= 10 }
        return value <= 1000 ? value : nil
    }
}

extension UInt8 {
    /// Whether it is `0` to `9`.
    package var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether it is `a` to `z` or `A` to `Z`.
    package var isASCIILetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    /// Whether it is below the space, or DEL.
    package var isASCIIControl: Bool { self < 0x20 || self == 0x7F }
}

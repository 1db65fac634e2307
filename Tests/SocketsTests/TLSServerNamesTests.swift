import Testing

@testable import Sockets

struct TLSServerNamesTests {
    private let names = TLSServerNames([
        ["a.example", "shared.example"], ["*.Example", "B.example", "shared.example"], ["*.b.example"], [],
    ])

    @Test(arguments: [
        ("a.example", 0), ("A.EXAMPLE", 0), ("shared.example", 0), ("b.example", 1), ("c.example", 1),
        ("x.b.example", 2), ("X.B.Example", 2), ("x.y.b.example", nil), ("example", nil), (".example", nil), ("", nil),
        ("a.example.", nil), ("*.b.example", 2), ("elsewhere", nil),
    ])
    func `a name has the certificate that bears it, or stands for its first label`(name: String, index: Int?) {
        #expect(names.index(for: name) == index)
    }
}

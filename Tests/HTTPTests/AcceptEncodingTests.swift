import Testing

@testable import HTTP

struct AcceptEncodingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let fields: [String]
        /// For a body that gzip pays for, and for one that it does not.
        let codings: [ContentCoding?]

        init(_ testDescription: String, _ fields: String..., codings: [ContentCoding?]) {
            self.testDescription = testDescription
            self.fields = fields
            self.codings = codings
        }
    }

    private static let gzipIfItPays: [ContentCoding?] = [.gzip, .identity]
    private static let gzip: [ContentCoding?] = [.gzip, .gzip]
    private static let identity: [ContentCoding?] = [.identity, .identity]
    private static let neither: [ContentCoding?] = [nil, nil]

    @Test(arguments: [
        Case("no field", codings: identity),
        Case("an empty field", "", codings: identity),
        Case("only empty members", " , ,", codings: identity),
        Case("gzip", "gzip", codings: gzipIfItPays),
        Case("its old name", "x-gzip", codings: gzipIfItPays),
        Case("any case", "GZip;Q=1", codings: gzipIfItPays),
        Case("what browsers send", "gzip, deflate, br, zstd", codings: gzipIfItPays),
        Case("what curl sends", "deflate, gzip, br, zstd", codings: gzipIfItPays),
        Case("several lines", "br", "gzip;q=0.5", "deflate", codings: gzipIfItPays),
        Case("empty members between", ",gzip ,, br,", codings: gzipIfItPays),
        Case("white space where it may stand", "br\t, gzip \t;  q=0.5\t,deflate", codings: gzipIfItPays),
        Case("others only", "br, deflate;q=0.5, zstd", codings: identity),
        Case("names that begin or end alike", "gzi, gzipped, x-x-gzip, xgzip", codings: identity),
        Case("anything", "*", codings: gzipIfItPays),
        Case("anything, little", "*;q=0.001", codings: gzipIfItPays),
        Case("identity only", "identity", codings: identity),
        Case("identity rather", "gzip;q=0.5, identity", codings: identity),
        Case("identity rather, by a thousandth", "gzip;q=0.999, identity;q=1.000", codings: identity),
        Case("gzip rather", "gzip, identity;q=0.5", codings: gzipIfItPays),
        Case("both alike", "gzip;q=0.5, identity;q=0.5", codings: gzipIfItPays),
        Case("rather anything but gzip", "gzip;q=0.5, *", codings: identity),
        Case("rather gzip than anything", "gzip, *;q=0.5", codings: gzipIfItPays),
        Case("identity not named", "gzip;q=0.001", codings: gzipIfItPays),
        Case("the smallest weights", "gzip;q=0.001, identity;q=0.002", codings: identity),
        Case("no gzip", "gzip;q=0", codings: identity),
        Case("no gzip, in thousandths", "gzip;q=0.000", codings: identity),
        Case("no gzip, by its old name too", "gzip, x-gzip;q=0", codings: identity),
        Case("no gzip but anything else", "gzip;q=0, *", codings: identity),
        Case("gzip only", "gzip, identity;q=0", codings: gzip),
        Case("gzip and nothing else", "gzip, *;q=0", codings: gzip),
        Case("any coding but identity", "*, identity;q=0", codings: gzip),
        Case("identity and nothing else", "identity, *;q=0", codings: identity),
        Case("identity, little, and nothing else", "identity;q=0.001, *;q=0", codings: identity),
        Case("twice: the smaller counts", "gzip, gzip;q=0", codings: identity),
        Case("twice, over two lines", "gzip;q=0", "gzip", codings: identity),
        Case("nothing", "*;q=0", codings: neither),
        Case("neither of both", "gzip;q=0, identity;q=0", codings: neither),
        Case("only what is not here", "br, identity;q=0", codings: neither),
        Case("only what is not here, otherwise said", "br, *;q=0.", codings: neither),
        Case("a weight without decimals", "gzip;q=1., identity;q=0.", codings: gzip),
        Case("a weight with three", "gzip;q=0.125, identity;q=0.124", codings: gzipIfItPays),
    ])
    func `the coding`(_ example: Case) {
        let acceptable = AcceptEncoding(Self.fields(example.fields))
        #expect([acceptable.coding(gzipPays: true), acceptable.coding(gzipPays: false)] == example.codings)
    }

    /// Beside which nothing counts, not even what would be refused without it.
    @Test(arguments: [
        "gzip;", "gzip;q", "gzip;q=", "gzip;q= 1", "gzip;q =1", "gzip;q=a", "gzip;q=-1", "gzip;q=+1", "gzip;q=2",
        "gzip;q=10", "gzip;q=01", "gzip;q=.5", "gzip;q=1.001", "gzip;q=1.1", "gzip;q=0.1234", "gzip;q=0,5;",
        "gzip;q=0.5.", "gzip;q=0.5;q=1", "gzip;level=1", "gzip;q=1;", "gzip q=1", "gzip deflate", ";q=1", "gz(ip)",
        "\"gzip\"", "gzip/1", "gzip;q=\"1\"", "gzip;q=１", "gzíp",
    ])
    func `malformed, it asks for nothing`(_ field: String) {
        for fields in [[field], ["gzip", field], [field + ", gzip"], ["identity;q=0", field]] {
            #expect(AcceptEncoding(Self.fields(fields)).coding(gzipPays: true) == .identity)
        }
    }

    @Test func `other fields have no say`() {
        var fields = Fields()
        fields.append("Accept", "gzip")
        fields.append("Content-Encoding", "gzip")
        fields.append("TE", "gzip")
        #expect(AcceptEncoding(fields).coding(gzipPays: true) == .identity)
    }

    private static func fields(_ values: [String]) -> Fields {
        var fields = Fields()
        for value in values { fields.append("Accept-encoding", value) }
        return fields
    }
}

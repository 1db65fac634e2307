import Testing

@testable import HTTP

struct AcceptTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let fields: [String]
        /// Of `text/plain; version=1; charset=utf-8`; negative where the type is not named.
        let weight: Int

        init(_ testDescription: String, _ fields: String..., weight: Int) {
            self.testDescription = testDescription
            self.fields = fields
            self.weight = weight
        }
    }

    private static let type = MediaType("text", "plain", [("version", "1"), ("charset", "utf-8")])

    @Test(arguments: [
        Case("no field", weight: -1000), Case("an empty field", "", weight: -1000),
        Case("only empty members", " ,, ", weight: -1000), Case("anything", "*/*", weight: -1000),
        Case("anything, little", "*/*;q=0.1", weight: -100), Case("any text", "text/*;q=0.2", weight: -200),
        Case("its name", "text/plain;q=0.3", weight: 300), Case("any case", "TEXT/Plain;Q=0.3", weight: 300),
        Case("others only", "text/html, application/json", weight: 0),
        Case("excluded", "text/plain;q=0, */*", weight: 0),
        Case("its kind excluded", "text/*;q=0, */*", weight: 0),
        Case("the more exact counts", "*/*;q=0.1, text/*;q=0.2, text/plain;q=0.3, text/html", weight: 300),
        Case("in any order", "text/plain;q=0.3, text/*;q=0.2, */*;q=0.1", weight: 300),
        Case("over several lines", "*/*;q=0.1", "text/plain;q=0.4", weight: 400),
        Case("a parameter more counts", "text/plain, text/plain;version=1;q=0.5", weight: 500),
        Case("two more", "text/plain;version=1;q=0.5, text/plain;version=1;charset=UTF-8;q=0.6", weight: 600),
        Case("another parameter's value", "text/plain;version=2", weight: 0),
        Case("another value, and its name", "text/plain;version=2, text/plain;q=0.5", weight: 500),
        Case("a parameter that it has not", "text/plain;escaping=values;q=0.5", weight: 500),
        Case("a quoted value", #"text/plain;version="1";q=0.5"#, weight: 500),
        Case("with a pair in it", #"text/plain;version="\1";q=0.5"#, weight: 500),
        Case("with a comma in it", #"text/plain;title="a,b;q=0";q=0.5, text/html"#, weight: 500),
        Case("white space where it may stand", "\t, text/plain \t; q=0.5 ; ext=1 ,", weight: 500),
        Case("empty parameters", "text/plain;;q=0.5;", weight: 500),
        Case("what follows the weight is no parameter", "text/plain;q=0.5;version=2", weight: 500),
        Case("twice: the smaller counts", "text/plain;q=0.7, text/plain;q=0.6", weight: 600),
        Case("twice, the other way round", "text/plain;q=0.6, text/plain;q=0.7", weight: 600),
        Case("the smallest weight", "text/plain;q=0.001", weight: 1),
    ])
    func `the weight`(_ example: Case) {
        let preference = Accept(Self.fields(example.fields)).preference(for: Self.type)
        #expect(preference.weight == abs(example.weight))
        if example.weight != 0 { #expect(preference.isNamed == (example.weight > 0)) }
    }

    /// Beside which nothing counts, not even what would be refused without it.
    @Test(arguments: [
        "text", "text/", "/plain", "/", "*", "*/plain", "text plain", "text/plain;q", "text/plain;q=", "text/plain;q=2",
        "text/plain;q=1.001", "text/plain;q=\"1\"", "text/plain;q =1", "text/plain;version", "text/plain;version=\"1",
        "text/plain;version=\"1\\", "text/plain q=1", "text/plain/1", "text/plain;version=1 2", "text/pläin",
        "(text/plain)",
    ])
    func `malformed, it takes anything`(_ field: String) {
        for fields in [[field], ["text/plain;q=0", field], [field, "text/plain;q=0"], ["text/plain;q=0, " + field]] {
            let preference = Accept(Self.fields(fields)).preference(for: Self.type)
            #expect(preference == Accept.Preference(weight: 1000, isNamed: false))
        }
    }

    @Test func `other fields have no say`() {
        var fields = Fields()
        fields.append("Accept-Encoding", "text/plain;q=0")
        #expect(Accept(fields).preference(for: Self.type).weight == 1000)
    }

    @Test func `a media type reads as Content-Type has it`() {
        #expect(Self.type.text == "text/plain; version=1; charset=utf-8")
    }

    private static func fields(_ values: [String]) -> Fields {
        var fields = Fields()
        for value in values { fields.append("Accept", value) }
        return fields
    }
}

import Telemetry
import Testing

struct TimestampTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var milliseconds: Int
        var text: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(milliseconds: 0, text: "1970-01-01T00:00:00.000Z"),
        Case(milliseconds: -1, text: "1969-12-31T23:59:59.999Z"),
        Case(milliseconds: 951_782_400_000, text: "2000-02-29T00:00:00.000Z"),
        Case(milliseconds: 1_709_251_199_999, text: "2024-02-29T23:59:59.999Z"),
        Case(milliseconds: 1_709_251_200_000, text: "2024-03-01T00:00:00.000Z"),
        Case(milliseconds: 1_767_225_599_040, text: "2025-12-31T23:59:59.040Z"),
        Case(milliseconds: 4_107_542_400_000, text: "2100-03-01T00:00:00.000Z"),
    ])
    func `a timestamp prints as RFC 3339`(_ example: Case) {
        #expect(Timestamp(milliseconds: example.milliseconds).description == example.text)
    }

    @Test func `now comes from the wall clock`() {
        #expect(Timestamp.now.milliseconds > 1_767_225_600_000)
    }
}

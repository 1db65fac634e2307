import Telemetry
import Testing

struct MetricValueTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var value: MetricValue
        var text: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(value: .count(0), text: "0"), Case(value: .count(-12), text: "-12"),
        Case(value: .time(.zero), text: "0"), Case(value: .time(.seconds(300)), text: "300"),
        Case(value: .time(.milliseconds(5)), text: "0.005"), Case(value: .time(.milliseconds(-1250)), text: "-1.25"),
        Case(value: .time(.nanoseconds(1)), text: "0.000000001"),
        Case(value: .time(.nanoseconds(299_123_456_789)), text: "299.123456789"),
        Case(value: .time(.seconds(Int64.max)), text: "9223372036.854775807"),
        Case(value: .time(.seconds(Int64.min)), text: "-9223372036.854775808"),
    ])
    func `a value prints without exponent or superfluous digits`(_ example: Case) {
        #expect(example.value.description == example.text)
    }
}

import Testing

@testable import VendorSimulator

struct FaultPlanTests {
    @Test func `a fault strikes its endpoint as often as it was told to`() {
        var plan = FaultPlan()
        plan.arm(Fault(mode: .error, endpoint: .token, remaining: 2))
        #expect(plan.strike(.revocation) == nil)
        #expect(plan.strike(.token) == .error)
        #expect(plan.strike(.token) == .error)
        #expect(plan.strike(.token) == nil)
    }

    @Test func `a fault without a count strikes until it is disarmed`() {
        var plan = FaultPlan()
        plan.arm(Fault(mode: .empty, endpoint: .api, remaining: nil))
        for _ in 0..<100 {
            #expect(plan.strike(.api) == .empty)
        }
        plan.disarm(.api)
        #expect(plan.strike(.api) == nil)
    }

    @Test func `a new fault takes the place of the old one`() {
        var plan = FaultPlan()
        plan.arm(Fault(mode: .empty, endpoint: .token, remaining: nil))
        plan.arm(Fault(mode: .garbage, endpoint: .token, remaining: 1))
        #expect(plan.strike(.token) == .garbage)
        #expect(plan.strike(.token) == nil)
    }
}

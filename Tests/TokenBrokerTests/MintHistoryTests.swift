import Testing

@testable import TokenBroker

struct MintHistoryTests {
    private let start = ContinuousClock.now

    private func departure(_ number: Int, _ reason: Departure.Reason = .ahead) -> Departure {
        let tenant = Tenant.example()
        let key = TokenKey(tenant: TenantIdentity(tenant), scopes: tenant.scopes)
        let payer = SharedCredential(CredentialIdentity(tenant), of: [tenant], at: start, keptBy: nil)
        return Departure(
            key: key, number: number, reason: reason, timeout: .seconds(10), payer: payer, spender: .caller,
            refreshPoint: nil)
    }

    private func token(_ text: String) -> AccessToken {
        AccessToken(
            MintedToken(token: Secret(text), lifetime: nil), scopes: .empty,
            schedule: Schedule(sent: start, lifetime: .seconds(300), draw: 0), render: { _, _ in nil })
    }

    @Test func `a mint is remembered with its time, reason, outcome and latency`() {
        var history = MintHistory(at: start)
        let sent = start + .milliseconds(1500)
        let token = token("a")
        history.note(departure(1, .cold), sent: sent, .success(token), at: sent + .milliseconds(250))
        history.note(
            departure(2, .rejected), sent: sent + .seconds(10), .failure(.timeout), at: sent + .seconds(15))
        let mints = history.explained(at: sent + .seconds(20))
        #expect(mints.map(\.reason) == ["rejected", "cold"])
        #expect(mints.map(\.outcome) == [.timeout, .ok])
        #expect(mints.map(\.age) == [.seconds(10), .seconds(20)])
        #expect(mints.map(\.latency) == [.seconds(5), .milliseconds(250)])
        #expect(mints.map(\.fingerprint) == [nil, token.fingerprint])
        #expect(mints.map(\.scopes) == [.of("read write"), .of("read write")])
        #expect(history.lastFailure?.failure == .timeout)
        #expect(history.lastFailure?.at == sent + .seconds(15))
    }

    @Test(arguments: [0, 1, 49, 50, 51, 99, 100, 175]) func `the last fifty stay, the latest first`(_ count: Int) {
        var history = MintHistory(at: start)
        for second in 0..<count {
            history.note(
                departure(second), sent: start + .seconds(second), .success(token("\(second)")),
                at: start + .seconds(second))
        }
        let mints = history.explained(at: start + .seconds(count))
        #expect(mints.map(\.age) == (0..<min(count, 50)).map { .seconds($0 + 1) })
        #expect(mints.first?.fingerprint == (count == 0 ? nil : Fingerprint(of: "\(count - 1)")))
    }

    @Test func `a record is as small as it is said to be`() {
        #expect(MemoryLayout<MintHistory.Record>.stride == 32)
    }

    @Test func `a fingerprint is the same as a number`() {
        for number in [0, 1, 0x00ab_cdef_0123_4567, UInt64.max] {
            let fingerprint = Fingerprint(number: number)
            #expect(fingerprint.number == number)
            #expect(Fingerprint(parsing: fingerprint.text) == fingerprint)
        }
    }
}

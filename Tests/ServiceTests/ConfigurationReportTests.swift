import Service
import Testing

struct ConfigurationReportTests {
    @Test func `the effective configuration is shown whole, but for its secrets`() throws {
        let digest = KeyDigest(of: "tw_1")
        let folder = try ConfigurationFolder(
            """
            tls: {certificate: pem, key: pem}
            metrics: {listen: 127.0.0.1:9090}
            tenants:
              acme:
                provider: pageup
                environment: live
                data_center: dc2
                client_id: acme-integration
                client_secret: {file: secret}
                scopes: [Public.Application.Write, Public.Application.Read]
              globex: {provider: ukg, region: eu, application_id: app 1, application_secret: {file: secret}, client_id: 007}
              initech:
                provider: oauth2
                token_url: https://a.example/t
                revocation_url: https://a.example/r
                client_id: 'a"b'
                client_secret: {file: secret}
                parameters: {audience: [x, "true"]}
                default_lifetime: 90s
                ca_file: pem
                keep_warm: true
                mint_budget: {burst: 3, per_hour: 90}
            callers:
              payroll: {keys: ["\(digest)"], tenants: [acme, "eu-*", "*"], scopes: [a], revoke: true}
              console: {keys: ["\(KeyDigest(of: "tw_2"))"], operator: true}
            """)
        let report = ConfigurationReport(try folder.load()).description
        #expect(
            report.replacing(folder.path, with: "/etc/") == """
                listen: 127.0.0.1:8080
                tls: {certificate: /etc/pem, key: /etc/pem}
                metrics: {listen: "127.0.0.1:9090"}
                log: {level: info}
                deadline: 5s
                tenants:
                  acme:
                    provider: pageup
                    token_url: https://login.dc2.pageuppeople.com/connect/token
                    client_auth: body
                    body: form
                    client_id: acme-integration
                    client_secret: <secret>
                    parameters: {}
                    scopes: [Public.Application.Read, Public.Application.Write]
                    scope_separator: " "
                    default_lifetime: 5m
                    keep_warm: false
                    mint_budget: {burst: 10, per_hour: 60}
                    # mints per hour: 14.29 planned, 15.0 at most, while tokens live 5m
                  globex:
                    provider: ukg
                    token_url: https://apis.eu.people-doc.com/api/v2/client/tokens
                    revocation_url: https://apis.eu.people-doc.com/api/v2/client/revoke_token
                    client_auth: basic_raw
                    body: form
                    client_id: "app 1"
                    client_secret: <secret>
                    parameters:
                      client_id: ["007"]
                    scopes: [client]
                    scope_separator: " "
                    default_lifetime: 1h
                    keep_warm: false
                    mint_budget: {burst: 5, per_hour: 30}
                    # mints per hour: 1.19 planned, 1.25 at most, while tokens live 1h
                  initech:
                    provider: oauth2
                    token_url: https://a.example/t
                    revocation_url: https://a.example/r
                    client_auth: basic
                    body: form
                    client_id: "a\\"b"
                    client_secret: <secret>
                    parameters:
                      audience: [x, "true"]
                    scopes: []
                    scope_separator: " "
                    default_lifetime: 90s
                    ca_file: /etc/pem
                    keep_warm: true
                    mint_budget: {burst: 3, per_hour: 90}
                    # mints per hour: 47.62 planned, 50.0 at most, while tokens live 90s
                callers:
                  payroll:
                    keys: ["\(digest)"]
                    tenants: [acme, "eu-*", "*"]
                    scopes: [a]
                    revoke: true
                    operator: false
                  console:
                    keys: ["\(KeyDigest(of: "tw_2"))"]
                    tenants: []
                    revoke: false
                    operator: true
                """)
    }

    @Test func `a report without tenants and callers says so`() throws {
        let report = ConfigurationReport(try ConfigurationFolder("{}").load()).description
        #expect(report.hasSuffix("\ntenants: {}\ncallers: {}"))
    }
}

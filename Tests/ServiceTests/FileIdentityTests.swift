import Foundation
import Sockets
import Testing

struct FileIdentityTests {
    private let folder: ConfigurationFolder

    init() throws { folder = try ConfigurationFolder("{}") }

    private func identity(_ name: String) -> FileIdentity? { FileIdentity(of: folder.path + name) }

    @Test func `a file that nobody touches is the same`() {
        #expect(identity("pem") != nil)
        #expect(identity("pem") == identity("pem"))
        #expect(identity("missing") == nil)
    }

    @Test func `a file that was written, longer or not, is another`() throws {
        let before = identity("pem")
        try folder.write("pem", "other")
        let after = identity("pem")
        #expect(after != before)
        try folder.write("pem", "OTHER")
        #expect(identity("pem") != after)
    }

    @Test func `a link's swap is seen, at the end of a path and within`() throws {
        let files = FileManager.default
        for name in ["1/pem", "2/pem"] { try folder.write(name, "same") }
        try files.createSymbolicLink(atPath: folder.path + "now", withDestinationPath: "1")
        try files.createSymbolicLink(atPath: folder.path + "link", withDestinationPath: "now/pem")
        let before = identity("link")
        // As Kubernetes does it: a new link, renamed over the old one.
        try files.createSymbolicLink(atPath: folder.path + "next", withDestinationPath: "2")
        #expect(rename(folder.path + "next", folder.path + "now") == 0)
        #expect(identity("link") != before)
        #expect(identity("link") == identity("2/pem"))
    }
}

import Foundation
import Service

/// A configuration in a folder of its own, which goes when this does.
final class ConfigurationFolder {
    /// With a `/` at its end.
    let path: String

    /// Writes the configuration and two secrets: the files `secret` (`s3cret-in-a-file`) and `pem`.
    init(_ text: String) throws {
        path = NSTemporaryDirectory() + "tokenwell-\(UUID().uuidString)/"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try write("tokenwell.yaml", text)
        try write("secret", "s3cret-in-a-file\n")
        try write("pem", "-----BEGIN-----\n")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

    func write(_ name: String, _ data: Data) throws {
        let file = URL(fileURLWithPath: path + name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }

    func load(environment: [String: String] = [:]) throws(ConfigurationErrors) -> Configuration {
        try ConfigurationLoader.load(path + "tokenwell.yaml", environment: environment)
    }

    func reading() -> ConfigurationReading { ConfigurationLoader.read(path + "tokenwell.yaml", environment: [:]) }

    /// Every mistake as it is printed, with the folder left out.
    func mistakes(environment: [String: String] = [:]) -> [String] {
        do throws(ConfigurationErrors) {
            _ = try load(environment: environment)
            return []
        } catch {
            return error.mistakes.map { $0.description.replacing(path, with: "") }
        }
    }
}

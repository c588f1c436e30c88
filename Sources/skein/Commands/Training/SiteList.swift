import ArgumentParser
import Learning

/// Sites as a command line names them: `q,k,v` or `q_proj,k_proj`.
struct SiteList {
    let sites: Set<Site>

    init(_ text: String) throws {
        let names = text.split(separator: ",").map(String.init)
        sites = Set(
            try names.map { name in
                guard let site = Site(name: name) else {
                    throw ValidationError("--sites names \(name); use q, k, v, o, gate, up, down")
                }
                return site
            })
        guard !sites.isEmpty else { throw ValidationError("--sites names nothing") }
    }
}

import ArgumentParser

struct ExpertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expert",
        abstract:
            "Lists, shows, verifies, imports, gates, calibrates, fuses, publishes, promotes, retires and moves experts.",
        discussion: """
            An expert lies in <store>/<trunk>/<name>/: a PEFT LoRA folder with its gates and an expert.yaml that names the \
            trunk and the SHA-256 of every file.
            """,
        subcommands: [
            ExpertList.self, ExpertInspect.self, ExpertVerify.self, ExpertImportCommand.self, ExpertCalibrate.self,
            ExpertGate.self, ExpertFuse.self, ExpertPublish.self, ExpertPromote.self, ExpertRetire.self,
            ExpertPlace.self,
        ])
}

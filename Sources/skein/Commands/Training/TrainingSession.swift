import Digest
import Foundation
import Learning

/// A run from its first or last checkpoint to its end, with what is said meanwhile.
struct TrainingSession {
    struct Result {
        /// Held-out loss before the first step and after the last; nil where nothing is held out.
        let before, after: Double?
    }

    let run: TrainingRun
    let folder: RunFolder
    let options: RunOptions
    /// Of all that decides the result.
    let settings: SHA256Digest

    init(_ run: TrainingRun, _ folder: RunFolder, _ options: RunOptions, _ settings: some Encodable) throws {
        self.run = run
        self.folder = folder
        self.options = options
        self.settings = SHA256Digest(of: Array(try JSONOutput.text(settings).utf8))
    }

    func perform() throws -> Result {
        var before: Double?
        if options.resume {
            before = try RunState.restore(run, settings: settings, from: folder.state)
            Terminal.note("going on after step \(run.step) of \(run.recipe.steps)")
        } else {
            before = try measure("before")
            try RunState.save(run, settings: settings, heldBefore: before, to: folder.state)
        }
        var pace = TrainingPace(run, json: options.json)
        while !run.isDone {
            try pace.show(try run.advance())
            guard run.step % options.saveEvery == 0 || run.isDone else { continue }
            try RunState.save(run, settings: settings, heldBefore: before, to: folder.state)
        }
        Terminal.endProgress()
        return Result(before: before, after: try measure("after"))
    }

    private func measure(_ when: String) throws -> Double? {
        let progress = ThrottledProgress("held-out loss \(when) training")
        let loss = try run.heldLoss { progress.show(fraction: $0) }
        Terminal.endProgress()
        if let loss, !options.json {
            Terminal.note(String(format: "held-out loss \(when): %.4f nats per token", loss))
        }
        return loss
    }
}

/// Says after every step how it goes: a line that is written over on a terminal, a line every tenth step elsewhere, JSON where asked.
struct TrainingPace {
    private struct Line: Encodable {
        let step, steps, tokens: Int
        let loss, gradientNorm, learningRate, tokensPerSecond, secondsLeft: Double
    }

    private let json: Bool
    private let steps: Int
    private let started = ContinuousClock.now
    private let first: Int
    private var tokens = 0
    private var smoothed: Double?

    init(_ run: TrainingRun, json: Bool) {
        self.json = json
        steps = run.recipe.steps
        first = run.step
    }

    mutating func show(_ report: StepReport) throws {
        tokens += report.tokens
        let seconds = started.duration(to: .now) / .seconds(1)
        let left = seconds / Double(report.step - first) * Double(steps - report.step)
        if json {
            return try JSONOutput.print(
                Line(
                    step: report.step, steps: steps, tokens: report.tokens, loss: report.loss,
                    gradientNorm: report.gradientNorm, learningRate: report.learningRate,
                    tokensPerSecond: Double(tokens) / seconds, secondsLeft: left))
        }
        smoothed = smoothed.map { 0.9 * $0 + 0.1 * report.loss } ?? report.loss
        let text = String(
            format: "step %ld of %ld   loss %.4f (smoothed %.4f)   %.0f tokens/s   %.0f s left", report.step, steps,
            report.loss, smoothed ?? report.loss, Double(tokens) / seconds, left)
        if Terminal.errorIsInteractive {
            Terminal.progress(text)
        } else if report.step % 10 == 0 || report.step == steps || report.step == 1 {
            Terminal.note(text)
        }
    }
}

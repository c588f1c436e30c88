import Foundation

/// A command that reacts to signals in `run`. `main` blocks them before it starts a second thread, so that they reach the watch.
protocol WatchesSignals {}

enum SignalMask {
    static func block(_ signals: [Int32] = [SIGTERM, SIGINT, SIGHUP]) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }
}

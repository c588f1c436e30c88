#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/signalfd.h>
#include <unistd.h>

int skein_thread_name(const char *name) {
    char kept[16];  // The kernel's limit, terminator included.
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = '\0';
    return pthread_setname_np(pthread_self(), kept);
}

int skein_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int skein_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        if (sigaddset(&set, signals[i]) != 0) return -1;
    }
    const int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (rc != 0) {
        errno = rc;
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int skein_signal_next(int descriptor) {
    struct signalfd_siginfo info;
    const ssize_t n = read(descriptor, &info, sizeof info);
    return n == sizeof info ? (int)info.ssi_signo : 0;
}

int skein_unblock_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    return pthread_sigmask(SIG_SETMASK, &none, NULL);
}

int skein_time_slice(uint64_t nanoseconds) {
#if defined(__linux__)
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = 48, .policy = SCHED_OTHER, .runtime = nanoseconds};
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    return syscall(SYS_sched_setattr, 0, &attributes, 0) ? errno : 0;
#else
    (void)nanoseconds;
    return 0;
#endif
}

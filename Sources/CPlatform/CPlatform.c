#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <link.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <unistd.h>

int skein_thread_name(const char *name) {
    char kept[16];  // The kernel's limit, terminator included.
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = '\0';
    return pthread_setname_np(pthread_self(), kept);
}

int skein_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// By signal: where its handler writes; 0: nowhere.
static _Atomic int write_ends[NSIG];

// Only calls that are safe in a handler: on whatever thread the kernel chose.
static void note_signal(int signal) {
    const int saved = errno, end = write_ends[signal];
    const unsigned char byte = (unsigned char)signal;
    if (end > 0 && write(end, &byte, 1) < 0) {}  // A full pipe holds this signal already.
    errno = saved;
}

int skein_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        if (signals[i] >= NSIG || sigaddset(&set, signals[i]) != 0) {
            errno = EINVAL;
            return -1;
        }
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < count && rc == 0; i++) {
        write_ends[signals[i]] = ends[1];
        if (sigaction(signals[i], &action, NULL) != 0) rc = errno;
    }
    if (rc == 0) return ends[0];
    skein_signal_release(ends[0], signals, count);
    errno = rc;
    return -1;
}

int skein_signal_next(int descriptor) {
    unsigned char byte;
    return read(descriptor, &byte, 1) == 1 ? byte : 0;
}

void skein_signal_release(int descriptor, const int *signals, size_t count) {
    int end = 0;
    for (size_t i = 0; i < count; i++) {
        signal(signals[i], SIG_DFL);
        const int mine = atomic_exchange(&write_ends[signals[i]], 0);
        if (mine > 0) end = mine;
    }
    close(descriptor);
    if (end > 0) close(end);
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

static int forget_object(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size, (void)context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        // What is writable may differ from the file, relocated tables among it, and would be lost.
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr + page - 1) / page * page;
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) / page * page;
        if (end > begin) madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void skein_forget_code_pages(void) { dl_iterate_phdr(forget_object, NULL); }

#define _GNU_SOURCE
#include "CPlatform.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

int skein_thread_name(const char *name) {
    char kept[16];  // The kernel's limit, terminator included.
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = '\0';
    return pthread_setname_np(pthread_self(), kept);
}

int skein_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

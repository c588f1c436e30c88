// What Glibc's Swift overlay lacks.
#pragma once
#include <stdint.h>

/// Names the calling thread (at most 15 bytes are kept). Returns 0 or an errno value.
int skein_thread_name(const char *name);

/// A close-on-exec, non-blocking eventfd with counter 0; -1 with errno set.
int skein_eventfd(void);

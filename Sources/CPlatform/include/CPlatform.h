// What Glibc's Swift overlay lacks.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Names the calling thread (at most 15 bytes are kept). Returns 0 or an errno value.
int skein_thread_name(const char *name);

/// A close-on-exec, non-blocking eventfd with counter 0; -1 with errno set.
int skein_eventfd(void);

/// Catches the signals and returns a close-on-exec, non-blocking descriptor that becomes readable when one arrives; -1 with errno set.
/// They are also blocked in the calling thread and those it starts later; one thread has to let them through (`skein_unblock_signals`).
/// A thread that a library started before main, and that blocks nothing, takes them as well as any other. One descriptor per signal.
int skein_signal_descriptor(const int *signals, size_t count);

/// The next signal waiting in the descriptor; 0 when there is none.
int skein_signal_next(int descriptor);

/// Gives the signals their default action back and closes the descriptor.
void skein_signal_release(int descriptor, const int *signals, size_t count);

/// Lets every signal through again in the calling thread: what the thread that watches does, and a child that
/// inherited a blocked mask.
int skein_unblock_signals(void);

/// How long the calling thread, and every thread it starts later, may compute before others get their turn; 0 is the
/// system's default. Since Linux 6.12 a thread with a shorter slice that wakes up comes before one with a longer that runs,
/// without any privilege. Returns 0 or an errno value; an older kernel takes it without effect.
int skein_time_slice(uint64_t nanoseconds);

/// Takes the pages of programs and libraries that nobody writes to out of the process's memory; those that are needed again come back
/// from the page cache one by one. For a process whose start touched much that it never needs again.
void skein_forget_code_pages(void);

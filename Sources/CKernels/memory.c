// Large zeroed memory. Weights are streamed once per decoded token: huge pages spare most address translations.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "operations.h"

enum { HUGE_PAGE = 2 << 20 };

static size_t padded(size_t bytes) { return (bytes + 63 + 64) / 64 * 64; }

void *ck_allocate(size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t size = padded(bytes);
    if (size < HUGE_PAGE) {
        void *memory = aligned_alloc(64, size);
        if (memory) memset(memory, 0, size);
        return memory;
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, size, MADV_HUGEPAGE);  // A hint; refusal changes speed only.
#endif
    return memory;
}

void ck_free(void *memory, size_t bytes) {
    if (!memory) return;
    if (padded(bytes) < HUGE_PAGE) free(memory);
    else munmap(memory, padded(bytes));
}


int ck_reserve(void **memory, size_t *capacity, size_t bytes) {
    if (bytes <= *capacity) return 0;
    void *grown = ck_allocate(bytes);
    if (!grown) return -1;
    ck_free(*memory, *capacity);
    *memory = grown;
    *capacity = bytes;
    return 0;
}

// A team of threads that shares out the parts of one job at a time.
//
// Parts are claimed, not assigned: `state` holds (generation, parts not yet claimed), and a claim is one compare-and-swap.
// A worker that wakes late finds nothing left and the caller has not waited for it, so a team stays quick when other
// processes take its cores. Which thread computes a part never changes a bit of the result.
//
// The fields of a job are written only while nothing is claimable and all parts of the former job have ended; a claim
// succeeds only in the generation whose fields were read. Generations wrap after 2^32 jobs, far beyond one stalled read.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "include/CKernels.h"

struct ck_team {
    _Alignas(64) _Atomic uint64_t state;
    _Atomic(ck_part) part;
    _Atomic(void *) context;
    _Atomic int32_t parts;
    _Alignas(64) _Atomic int32_t finished;
    _Alignas(64) _Atomic int32_t sleepers;
    _Atomic int32_t caller_sleeps, closing, next_thread, caller_core;
    pthread_mutex_t run_mutex, sleep_mutex;
    pthread_cond_t work, done;
    int32_t threads;
    int64_t spin_nanoseconds;
    pthread_t *handles;
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int32_t unclaimed(uint64_t state) { return (int32_t)(state & 0xffffffff); }

/// Claims and runs parts until none is left.
static void run_parts(ck_team *team, int32_t thread) {
    uint64_t state = atomic_load(&team->state);
    while (unclaimed(state) > 0) {
        ck_part part = atomic_load_explicit(&team->part, memory_order_relaxed);
        void *context = atomic_load_explicit(&team->context, memory_order_relaxed);
        int32_t parts = atomic_load_explicit(&team->parts, memory_order_relaxed);
        if (!atomic_compare_exchange_weak(&team->state, &state, state - 1)) continue;
        part(context, parts - unclaimed(state), thread);
        if (atomic_fetch_add(&team->finished, 1) + 1 == parts && atomic_load(&team->caller_sleeps)) {
            pthread_mutex_lock(&team->sleep_mutex);
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->sleep_mutex);
        }
        state = atomic_load(&team->state);
    }
}

static int has_work(ck_team *team) { return unclaimed(atomic_load(&team->state)) > 0 || atomic_load(&team->closing); }

static void await_work(ck_team *team) {
    for (int64_t end = now() + team->spin_nanoseconds; now() < end;)
        for (int i = 0; i < 32; i++) {
            if (has_work(team)) return;
            relax();
        }
    pthread_mutex_lock(&team->sleep_mutex);
    atomic_fetch_add(&team->sleepers, 1);
    while (!has_work(team)) pthread_cond_wait(&team->work, &team->sleep_mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->sleep_mutex);
}

enum { MOVE_INTERVAL_NANOSECONDS = 5000000 };

static int32_t this_core(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

/// Linux likes to wake a thread on its waker's core, and with other cores idle may leave both there for a second (seen: half the
/// speed after every pause). A worker that runs where the caller ran last moves off, by forbidding itself that core for a moment.
static void leave_callers_core(const ck_team *team, int64_t *moved) {
#if defined(__linux__)
    int32_t core = this_core();
    if (core < 0 || core != atomic_load_explicit(&team->caller_core, memory_order_relaxed)) return;
    cpu_set_t allowed, others;
    if (now() - *moved < MOVE_INTERVAL_NANOSECONDS || sched_getaffinity(0, sizeof allowed, &allowed)) return;
    *moved = now();
    others = allowed;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others) == 0) return;
    sched_setaffinity(0, sizeof others, &others);
    sched_setaffinity(0, sizeof allowed, &allowed);
#else
    (void)team, (void)moved;
#endif
}

static void *work(void *argument) {
    ck_team *team = argument;
    int32_t thread = atomic_fetch_add(&team->next_thread, 1);
    int64_t moved = 0;
    while (!atomic_load(&team->closing)) {
        leave_callers_core(team, &moved);
        run_parts(team, thread);
        await_work(team);
    }
    return NULL;
}

static void await_end(ck_team *team, int32_t parts) {
    for (int64_t end = now() + team->spin_nanoseconds; now() < end;)
        for (int i = 0; i < 32; i++) {
            if (atomic_load(&team->finished) == parts) return;
            relax();
        }
    pthread_mutex_lock(&team->sleep_mutex);
    atomic_store(&team->caller_sleeps, 1);
    while (atomic_load(&team->finished) != parts) pthread_cond_wait(&team->done, &team->sleep_mutex);
    atomic_store(&team->caller_sleeps, 0);
    pthread_mutex_unlock(&team->sleep_mutex);
}

void ck_team_run(ck_team *team, int32_t parts, ck_part part, void *context) {
    if (team->threads == 1 || parts <= 1) {
        for (int32_t i = 0; i < parts; i++) part(context, i, 0);
        return;
    }
    pthread_mutex_lock(&team->run_mutex);
    atomic_store_explicit(&team->part, part, memory_order_relaxed);
    atomic_store_explicit(&team->context, context, memory_order_relaxed);
    atomic_store_explicit(&team->parts, parts, memory_order_relaxed);
    atomic_store_explicit(&team->caller_core, this_core(), memory_order_relaxed);
    atomic_store(&team->finished, 0);
    uint64_t generation = (atomic_load(&team->state) >> 32) + 1;
    atomic_store(&team->state, generation << 32 | (uint32_t)parts);
    if (atomic_load(&team->sleepers) > 0) {
        pthread_mutex_lock(&team->sleep_mutex);
        pthread_cond_broadcast(&team->work);
        pthread_mutex_unlock(&team->sleep_mutex);
    }
    run_parts(team, 0);
    await_end(team, parts);
    pthread_mutex_unlock(&team->run_mutex);
}

int32_t ck_team_threads(const ck_team *team) { return team->threads; }

void ck_team_destroy(ck_team *team) {
    if (!team) return;
    atomic_store(&team->closing, 1);
    pthread_mutex_lock(&team->sleep_mutex);
    pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->sleep_mutex);
    for (int32_t i = 0; i < team->threads - 1; i++) pthread_join(team->handles[i], NULL);
    pthread_mutex_destroy(&team->run_mutex);
    pthread_mutex_destroy(&team->sleep_mutex);
    pthread_cond_destroy(&team->work);
    pthread_cond_destroy(&team->done);
    free(team->handles);
    ck_free(team, sizeof *team);
}

ck_team *ck_team_create(int32_t threads, int64_t spin_nanoseconds) {
    ck_team *team = ck_allocate(sizeof *team);
    if (!team) return NULL;
    pthread_mutex_init(&team->run_mutex, NULL);
    pthread_mutex_init(&team->sleep_mutex, NULL);
    pthread_cond_init(&team->work, NULL);
    pthread_cond_init(&team->done, NULL);
    atomic_store(&team->next_thread, 1);
    team->spin_nanoseconds = spin_nanoseconds;
    atomic_store(&team->caller_core, -1);
    team->threads = 1;
    team->handles = calloc((size_t)threads, sizeof *team->handles);
    while (team->handles && team->threads < threads) {
        pthread_t *handle = &team->handles[team->threads - 1];
        if (pthread_create(handle, NULL, work, team)) break;
#if defined(__linux__)
        pthread_setname_np(*handle, "skein-compute");
#endif
        team->threads++;
    }
    if (team->threads == threads) return team;
    ck_team_destroy(team);
    return NULL;
}

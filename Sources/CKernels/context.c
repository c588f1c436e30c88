// A context: one instruction set's operations, a team, and scratch that grows to the largest call.
#include <stdlib.h>

#include "operations.h"

static const ck_operations *operations_of(int isa) {
#if defined(__x86_64__)
    if (isa == CK_AVX512) return &ck_operations_avx512;
    if (isa == CK_AVX2) return &ck_operations_avx2;
#else
    (void)isa;
#endif
    return &ck_operations_portable;
}

ck_context *ck_context_create(ck_team *team, int isa) {
    if (!ck_isa_available(isa)) return NULL;
    ck_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    context->team = team;
    context->operations = operations_of(isa);
    return context;
}

void ck_context_destroy(ck_context *context) {
    if (!context) return;
    ck_free(context->activations, context->activation_bytes);
    ck_free(context->scratch, context->scratch_bytes);
    free(context);
}

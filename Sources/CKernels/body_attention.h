// Causal attention over paged keys and values. Included once per instruction set, after body_products.h.
//
// Rows are the queries of one run times the heads that share a key-value head, so a page is read once for all of them.
// A K page is a panel of 64 outputs (positions) with K = head_dim; a V page is a panel whose outputs are head_dim and whose k is
// the position: both products are f32_product's fixed chains. Position t adds to partial sum t mod 16 of the softmax, and a masked
// position adds exactly 0 everywhere, so a row's bits depend on its own positions only.

/// s -> exp(scale s - max) for positions 0 ... last, 0 up to `padded`; returns their sum.
INLINE float softmax_terms(float *scores, int64_t last, int64_t padded, float scale) {
    vf lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vf best = splat(-__builtin_inff()), sums = splat(0);
    for (int64_t t = 0; t <= last; t += 16) {
        vi visible = lane <= (float)(last - t);
        vf scaled = load(scores + t) * scale;
        best = larger(choose(visible, scaled, best), best);
        store(scores + t, scaled);
    }
    vf top = splat(largest_lane(best));
    for (int64_t t = 0; t < padded; t += 16) {
        vi visible = lane <= (float)(last - t);
        vf term = choose(visible, exp_lanes(load(scores + t) - top), splat(0));
        store(scores + t, term);
        sums += term;
    }
    return sum_lanes(sums);
}

/// Scratch: queries [rows][head_dim], scores [rows][padded positions], results [rows][head_dim].
static void attention(const ck_attention_job *job, const ck_attention_item *item, float *scratch) {
    const ck_run *run = item->run;
    const int64_t dim = job->pages.head_dim, group = job->heads / job->pages.kv_heads, rows = item->count * group;
    const int64_t first_head = item->kv_head * group, first_position = run->first_position + item->first;
    const int64_t pages = (first_position + item->count - 1) / CK_PAGE + 1, padded = pages * CK_PAGE;
    float *queries = scratch, *scores = queries + rows * dim, *results = scores + rows * padded;
    for (int64_t i = 0; i < item->count; i++)  // A row's heads lie side by side.
        memcpy(
            queries + i * group * dim,
            job->queries + (run->first_row + item->first + i) * job->query_stride + first_head * dim,
            (size_t)(group * dim) * sizeof(float));
    for (int64_t p = 0; p < pages; p++) {
        const float *keys = job->pages.data + run->table[p] * job->pages.page_stride + item->kv_head * 2 * dim * CK_PAGE;
        f32_product(queries, dim, keys, CK_PAGE, dim, scores + p * CK_PAGE, padded, START_AT_ZERO, rows, CK_PAGE);
    }
    float *sums = queries;  // The queries are done with; one sum per row.
    for (int64_t r = 0; r < rows; r++)
        sums[r] = softmax_terms(scores + r * padded, first_position + r / group, padded, job->scale);
    for (int64_t p = 0; p < pages; p++) {
        const float *values = job->pages.data + run->table[p] * job->pages.page_stride + (item->kv_head * 2 + 1) * dim * CK_PAGE;
        f32_product(
            scores + p * CK_PAGE, padded, values, dim, CK_PAGE, results, dim, p ? CONTINUE_FROM_OUT : START_AT_ZERO, rows, dim);
    }
    for (int64_t r = 0; r < rows; r++) {
        float *out = job->out + (run->first_row + item->first + r / group) * job->out_stride + (first_head + r % group) * dim;
        vf inverse = splat(1.0f / sums[r]);
        for (int64_t d = 0; d < dim; d += 16)  // + 0: a masked tail may turn -0 into 0, so all zeros are positive.
            store(out + d, load(results + r * dim + d) * inverse + 0.0f);
    }
}

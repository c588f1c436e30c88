// Sixteen lanes, whatever the machine's registers are: the compiler splits them into what the instruction set of the including
// file has. No operation here lets one lane's rounding depend on another; reductions are fixed trees.
// Included after CK_ISA is defined and the target attribute is pushed.
#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"  // Every function that takes lanes by value is inlined.

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float vf __attribute__((ext_vector_type(16)));
typedef int32_t vi __attribute__((ext_vector_type(16)));
typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef double vd __attribute__((ext_vector_type(16)));
typedef int8_t vi8 __attribute__((ext_vector_type(16)));
typedef float vf_loose __attribute__((ext_vector_type(16), aligned(4), may_alias));
typedef int32_t vi_loose __attribute__((ext_vector_type(16), aligned(1), may_alias));
typedef int8_t vi8_loose __attribute__((ext_vector_type(16), aligned(1), may_alias));

INLINE vf load(const float *p) { return *(const vf_loose *)p; }
INLINE void store(float *p, vf v) { *(vf_loose *)p = v; }
INLINE vi load_int(const void *p) { return *(const vi_loose *)p; }
INLINE vf splat(float x) { return (vf)x; }
INLINE vi splat_int(int32_t x) { return (vi)x; }
INLINE vf fma_lanes(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
INLINE vi bits_of(vf v) { return (vi)v; }
INLINE vf from_bits(vi v) { return (vf)v; }
INLINE vf choose(vi mask, vf a, vf b) { return from_bits((mask & bits_of(a)) | (~mask & bits_of(b))); }
/// a > b ? a : b in each lane, also when one is NaN: the same on every instruction set.
INLINE vf larger(vf a, vf b) { return choose(a > b, a, b); }
INLINE vf magnitude(vf v) { return from_bits(bits_of(v) & 0x7fffffff); }

/// The first `count` (1 ... 16) floats of p, `fill` in the other lanes.
INLINE vf load_part(const float *p, int64_t count, float fill) {
    if (count >= 16) return load(p);
    vf v = splat(fill);
    for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}
INLINE void store_part(float *p, int64_t count, vf v) {
    if (count >= 16) { store(p, v); return; }
    for (int64_t i = 0; i < count; i++) p[i] = v[i];
}

/// ((lane j + lane j + 8) + …): a tree of fixed shape.
INLINE float sum_lanes(vf v) {
    __typeof__(v.lo) a = v.lo + v.hi;
    __typeof__(a.lo) b = a.lo + a.hi;
    __typeof__(b.lo) c = b.lo + b.hi;
    return c.x + c.y;
}
INLINE double sum_doubles(vd v) {
    __typeof__(v.lo) a = v.lo + v.hi;
    __typeof__(a.lo) b = a.lo + a.hi;
    __typeof__(b.lo) c = b.lo + b.hi;
    return c.x + c.y;
}
#define TURNED(v, n) __builtin_shufflevector(v, v, n & 15, (n + 1) & 15, (n + 2) & 15, (n + 3) & 15, (n + 4) & 15, \
    (n + 5) & 15, (n + 6) & 15, (n + 7) & 15, (n + 8) & 15, (n + 9) & 15, (n + 10) & 15, (n + 11) & 15, (n + 12) & 15, \
    (n + 13) & 15, (n + 14) & 15, (n + 15) & 15)
INLINE float largest_lane(vf v) {
    v = larger(v, TURNED(v, 8));
    v = larger(v, TURNED(v, 4));
    v = larger(v, TURNED(v, 2));
    v = larger(v, TURNED(v, 1));
    return v.x;
}

/// e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2; the polynomial is Cephes' expf (S. Moshier), through fma.
/// Below ln 2^-126 the result is 0 (no subnormals, whatever the processor's flush mode); above ln FLT_MAX it is infinite; NaN stays.
INLINE vf exp_lanes(vf x) {
    const float shifter = 0x1.8p23f;  // Adding it rounds to an integer in the low bits.
    vf clamped = choose(x > 89.0f, splat(89.0f), x);
    vf shifted = fma_lanes(clamped, splat(0x1.715476p0f), splat(shifter));
    vf n = shifted - shifter;
    vf r = fma_lanes(n, splat(-0x1.62e430p-1f), clamped);
    r = fma_lanes(n, splat(0x1.05c610p-29f), r);
    vf p = splat(1.9875691500e-4f);
    p = fma_lanes(p, r, splat(1.3981999507e-3f));
    p = fma_lanes(p, r, splat(8.3334519073e-3f));
    p = fma_lanes(p, r, splat(4.1665795894e-2f));
    p = fma_lanes(p, r, splat(1.6666665459e-1f));
    p = fma_lanes(p, r, splat(5.0000001201e-1f));
    vf y = fma_lanes(p, r * r, r) + 1.0f;
    vu power = (vu)bits_of(shifted) - 0x4b400000u;
    vu half = (vu)((vi)power >> 1);  // In two steps, since 2^128 is not a float.
    y = y * (vf)((half + 127u) << 23) * (vf)((power - half + 127u) << 23);
    return choose(x < -0x1.5d589ep6f, splat(0), y);
}

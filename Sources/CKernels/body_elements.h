// Weights as stored (f32, f16, bf16), made f32 in registers; exact for every finite value. Included once per instruction set, which gives
// halves_to_lanes.

typedef uint16_t vh_loose __attribute__((ext_vector_type(16), aligned(2), may_alias));

/// Bytes of 16 elements.
INLINE int64_t lanes_bytes(const int element) { return element == CK_ELEMENT_F32 ? 64 : 32; }

INLINE vf load_elements(const int element, const uint8_t *p) {
    if (element == CK_ELEMENT_F32) return load((const float *)p);
    if (element == CK_ELEMENT_F16) return halves_to_lanes(p);
    return (vf)(__builtin_convertvector(*(const vh_loose *)p, vu) << 16);
}

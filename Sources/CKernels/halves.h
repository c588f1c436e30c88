// IEEE half to single precision, exact for every value.
#pragma once
#include <stdint.h>
#include <string.h>

static inline float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    uint32_t bits;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;  // Zero or subnormal: fraction * 2^-24 is exact.
        memcpy(&bits, &magnitude, 4);
        bits |= sign;
    } else {
        uint32_t widened = exponent == 31 ? 255 : exponent + 112;
        bits = sign | widened << 23 | fraction << 13;
    }
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

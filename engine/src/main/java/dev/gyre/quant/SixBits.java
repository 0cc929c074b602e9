package dev.gyre.quant;

/**
 * Eight scales and eight minima of six bits in twelve bytes s. For j &lt; 4: sc = s[j] &amp; 63, m
 * = s[j+4] &amp; 63; else the lower four bits are the nibbles of s[j+4] and the upper two are left
 * over in s[j-4] and s[j].
 */
final class SixBits {
    private SixBits() {}

    /** Writes pair j; the twelve bytes are zero before the first. */
    static void put(byte[] out, int s, int j, int scale, int min) {
        if (j < 4) {
            out[s + j] |= (byte) scale;
            out[s + j + 4] |= (byte) min;
        } else {
            out[s + j + 4] = (byte) ((scale & 15) | (min & 15) << 4);
            out[s + j - 4] |= (byte) (scale >> 4 << 6);
            out[s + j] |= (byte) (min >> 4 << 6);
        }
    }

    static int scale(byte[] in, int s, int j) {
        return j < 4 ? in[s + j] & 63 : (in[s + j + 4] & 15) | ((in[s + j - 4] >> 6) & 3) << 4;
    }

    static int min(byte[] in, int s, int j) {
        return j < 4
                ? in[s + j + 4] & 63
                : ((in[s + j + 4] >> 4) & 15) | ((in[s + j] >> 6) & 3) << 4;
    }
}

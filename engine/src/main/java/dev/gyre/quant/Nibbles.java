package dev.gyre.quant;

/** What the encoders of 32 small levels ask of their numbers. */
final class Nibbles {
    private static final int BLOCK = 32;

    private Nibbles() {}

    /** The number farthest from zero, with its sign; the first of several. */
    static float farthest(float[] in, int from) {
        float far = 0;
        for (int j = 0; j < BLOCK; j++)
            if (Math.abs(in[from + j]) > Math.abs(far)) far = in[from + j];
        return far;
    }

    static float least(float[] in, int from) {
        float least = in[from];
        for (int j = 1; j < BLOCK; j++) if (in[from + j] < least) least = in[from + j];
        return least;
    }

    static float most(float[] in, int from) {
        float most = in[from];
        for (int j = 1; j < BLOCK; j++) if (in[from + j] > most) most = in[from + j];
        return most;
    }
}
